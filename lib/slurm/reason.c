/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Names of the reasons why a job waits or failed, by number: enum job_state_reason of
 * slurm.h. Numbers and names are the same in 20.11 to 26.05, but for the slots named in
 * `older`, which were given to something else on the way; the newest name is in `names`.
 */
#include <strings.h>
#include <ucluster/state.h>

// clang-format off
static const char *const names[] = {
	/* 0 */ "None", "Priority", "Dependency", "Resources", "PartitionNodeLimit",
	"PartitionTimeLimit", "PartitionDown", "PartitionInactive", "JobHeldAdmin",
	"BeginTime",
	/* 10 */ "Licenses", "AssociationJobLimit", "AssociationResourceLimit",
	"AssociationTimeLimit", "Reservation", "ReqNodeNotAvail", "JobHeldUser",
	"NvidiaImexChannels", "SchedDefer", "PartitionDown",
	/* 20 */ "NodeDown", "BadConstraints", "SystemFailure", "JobLaunchFailure",
	"NonZeroExitCode", "TimeLimit", "InactiveLimit", "InvalidAccount",
	"InvalidQOS", "QOSUsageThreshold",
	/* 30 */ "QOSJobLimit", "QOSResourceLimit", "QOSTimeLimit", "RaisedSignal",
	"BlockFreeAction", "Cleaning", "Prolog", "QOSNotAllowed", "AccountNotAllowed",
	"DependencyNeverSatisfied",
	/* 40 */ "QOSGrpCpuLimit", "QOSGrpCPUMinutesLimit", "QOSGrpCPURunMinutesLimit",
	"QOSGrpJobsLimit", "QOSGrpMemLimit", "QOSGrpNodeLimit", "QOSGrpSubmitJobsLimit",
	"QOSGrpWallLimit", "QOSMaxCpuPerJobLimit", "QOSMaxCpuMinutesPerJobLimit",
	/* 50 */ "QOSMaxNodePerJobLimit", "QOSMaxWallDurationPerJobLimit",
	"QOSMaxCpuPerUserLimit", "QOSMaxJobsPerUserLimit", "QOSMaxNodePerUserLimit",
	"QOSMaxSubmitJobPerUserLimit", "QOSMinCpuNotSatisfied", "AssocGrpCpuLimit",
	"AssocGrpCPUMinutesLimit", "AssocGrpCPURunMinutesLimit",
	/* 60 */ "AssocGrpJobsLimit", "AssocGrpMemLimit", "AssocGrpNodeLimit",
	"AssocGrpSubmitJobsLimit", "AssocGrpWallLimit", "AssocMaxJobsLimit",
	"AssocMaxCpuPerJobLimit", "AssocMaxCpuMinutesPerJobLimit",
	"AssocMaxNodePerJobLimit", "AssocMaxWallDurationPerJobLimit",
	/* 70 */ "AssocMaxSubmitJobLimit", "JobHoldMaxRequeue", "JobArrayTaskLimit",
	"BurstBufferResources", "BurstBufferStageIn", "BurstBufferOperation",
	"PowerNotAvail", "PowerReserved", "AssocGrpUnknown", "AssocGrpUnknownMinutes",
	/* 80 */ "AssocGrpUnknownRunMinutes", "AssocMaxUnknownPerJob",
	"AssocMaxUnknownPerNode", "AssocMaxUnknownMinutesPerJob", "AssocMaxCpuPerNode",
	"AssocGrpMemMinutes", "AssocGrpMemRunMinutes", "AssocMaxMemPerJob",
	"AssocMaxMemPerNode", "AssocMaxMemMinutesPerJob",
	/* 90 */ "AssocGrpNodeMinutes", "AssocGrpNodeRunMinutes",
	"AssocMaxNodeMinutesPerJob", "AssocGrpEnergy", "AssocGrpEnergyMinutes",
	"AssocGrpEnergyRunMinutes", "AssocMaxEnergyPerJob", "AssocMaxEnergyPerNode",
	"AssocMaxEnergyMinutesPerJob", "AssocGrpGRES",
	/* 100 */ "AssocGrpGRESMinutes", "AssocGrpGRESRunMinutes",
	"AssocMaxGRESPerJob", "AssocMaxGRESPerNode", "AssocMaxGRESMinutesPerJob",
	"AssocGrpLicense", "AssocGrpLicenseMinutes", "AssocGrpLicenseRunMinutes",
	"AssocMaxLicensePerJob", "AssocMaxLicenseMinutesPerJob",
	/* 110 */ "AssocGrpBB", "AssocGrpBBMinutes", "AssocGrpBBRunMinutes",
	"AssocMaxBBPerJob", "AssocMaxBBPerNode", "AssocMaxBBMinutesPerJob",
	"QOSGrpUnknown", "QOSGrpUnknownMinutes", "QOSGrpUnknownRunMinutes",
	"QOSMaxUnknownPerJob",
	/* 120 */ "QOSMaxUnknownPerNode", "QOSMaxUnknownPerUser",
	"QOSMaxUnknownMinutesPerJob", "QOSMinUnknown", "QOSMaxCpuPerNode",
	"QOSGrpMemoryMinutes", "QOSGrpMemoryRunMinutes", "QOSMaxMemoryMinutesPerJob",
	"QOSMaxMemoryPerJob", "QOSMaxMemoryPerNode",
	/* 130 */ "QOSMaxMemoryPerUser", "QOSMinMemory", "QOSGrpEnergy",
	"QOSGrpEnergyMinutes", "QOSGrpEnergyRunMinutes", "QOSMaxEnergyPerJob",
	"QOSMaxEnergyPerNode", "QOSMaxEnergyPerUser", "QOSMaxEnergyMinutesPerJob",
	"QOSMinEnergy",
	/* 140 */ "QOSGrpNodeMinutes", "QOSGrpNodeRunMinutes",
	"QOSMaxNodeMinutesPerJob", "QOSMinNode", "QOSGrpGRES", "QOSGrpGRESMinutes",
	"QOSGrpGRESRunMinutes", "QOSMaxGRESPerJob", "QOSMaxGRESPerNode",
	"QOSMaxGRESPerUser",
	/* 150 */ "QOSMaxGRESMinutesPerJob", "QOSMinGRES", "QOSGrpLicense",
	"QOSGrpLicenseMinutes", "QOSGrpLicenseRunMinutes", "QOSMaxLicensePerJob",
	"QOSMaxLicensePerUser", "QOSMaxLicenseMinutesPerJob", "QOSMinLicense",
	"QOSGrpBB",
	/* 160 */ "QOSGrpBBMinutes", "QOSGrpBBRunMinutes", "QOSMaxBBPerJob",
	"QOSMaxBBPerNode", "QOSMaxBBPerUser", "AssocMaxBBMinutesPerJob", "QOSMinBB",
	"DeadLine", "MaxBBPerAccount", "MaxCpuPerAccount",
	/* 170 */ "MaxEnergyPerAccount", "MaxGRESPerAccount", "MaxNodePerAccount",
	"MaxLicensePerAccount", "MaxMemoryPerAccount", "MaxUnknownPerAccount",
	"MaxJobsPerAccount", "MaxSubmitJobsPerAccount", "PartitionConfig",
	"AccountingPolicy",
	/* 180 */ "FedJobLock", "OutOfMemory", "MaxMemPerLimit", "AssocGrpBilling",
	"AssocGrpBillingMinutes", "AssocGrpBillingRunMinutes", "AssocMaxBillingPerJob",
	"AssocMaxBillingPerNode", "AssocMaxBillingMinutesPerJob", "QOSGrpBilling",
	/* 190 */ "QOSGrpBillingMinutes", "QOSGrpBillingRunMinutes",
	"QOSMaxBillingPerJob", "QOSMaxBillingPerNode", "QOSMaxBillingPerUser",
	"QOSMaxBillingMinutesPerJob", "MaxBillingPerAccount", "QOSMinBilling",
	"ReservationDeleted", "ReservationInvalid",
	/* 200 */ "Constraints", "MaxBBRunMinsPerAccount",
	"MaxBillingRunMinsPerAccount", "MaxCpuRunMinsPerAccount",
	"MaxEnergyRunMinsPerAccount", "MaxGRESRunMinsPerAccount",
	"MaxNodeRunMinsPerAccount", "MaxLicenseRunMinsPerAccount",
	"MaxMemoryRunMinsPerAccount", "MaxUnknownRunMinsPerAccount",
	/* 210 */ "MaxBBRunMinsPerUser", "MaxBillingRunMinsPerUser",
	"MaxCpuRunMinsPerUser", "MaxEnergyRunMinsPerUser", "MaxGRESRunMinsPerUser",
	"MaxNodeRunMinsPerUser", "MaxLicenseRunMinsPerUser", "MaxMemoryRunMinsPerUser",
	"MaxUnknownRunMinsPerUser", "MaxPoweredUpNodes",
	/* 220 */ "MpiPortsBusy",
};
// clang-format on

static const struct {
	const char *name;
	uint32_t reason;
} older[] = {
	{ "FrontEndDown", 17 },  /* until 24.11 */
	{ "BlockMaxError", 33 }, /* until 22.05 */
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

const char *uc_reason_name(uint32_t reason)
{
	return reason < NAME_COUNT ? names[reason] : NULL;
}

int64_t uc_reason_find(const char *name)
{
	for (size_t i = 0; i < NAME_COUNT; i++)
		if (!strcasecmp(names[i], name))
			return (int64_t)i;
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
		if (!strcasecmp(older[i].name, name))
			return older[i].reason;
	return -1;
}
