# cpack -G RPM in a build folder: ucluster, ucluster-slurm (the part that needs libslurm;
# laptops do without), ucluster-devel, ucluster-sandbox. Debian's
# packages are made from debian/.
set(CPACK_PACKAGE_NAME ucluster)
set(CPACK_PACKAGE_VENDOR "the ucluster authors")
set(CPACK_PACKAGE_CONTACT "ucluster authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Commands for people who share a Slurm cluster with GPUs")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime development sandbox)
if(UC_SLURM_SONAME)
  list(APPEND CPACK_COMPONENTS_ALL slurm)
endif()
set(CPACK_STRIP_FILES ON)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_MAIN_COMPONENT runtime)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE GPL-2.0-or-later)
set(CPACK_RPM_PACKAGE_AUTOREQ ON)
set(CPACK_RPM_RUNTIME_PACKAGE_NAME ucluster)
set(CPACK_RPM_RUNTIME_PACKAGE_SUGGESTS "git, openssh-clients, slurm, ucluster-slurm")
set(CPACK_RPM_SLURM_PACKAGE_NAME ucluster-slurm)
set(CPACK_RPM_SLURM_PACKAGE_REQUIRES "ucluster = ${PROJECT_VERSION}")
set(CPACK_RPM_DEVELOPMENT_PACKAGE_NAME ucluster-devel)
set(CPACK_RPM_DEVELOPMENT_PACKAGE_REQUIRES "ucluster = ${PROJECT_VERSION}")
set(CPACK_RPM_SANDBOX_PACKAGE_NAME ucluster-sandbox)
set(CPACK_RPM_SANDBOX_PACKAGE_REQUIRES
  "ucluster = ${PROJECT_VERSION}, ucluster-slurm, bash, busybox, curl, jq, munge, procps-ng, slurm, slurm-slurmctld, slurm-slurmd, squashfs-tools, zstd")
# folders of the system, which are not ours
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /usr/lib/cmake /usr/lib64/cmake /usr/lib/pkgconfig /usr/lib64/pkgconfig /usr/libexec
  /usr/share/bash-completion /usr/share/bash-completion/completions /usr/share/fish
  /usr/share/fish/vendor_completions.d /usr/share/man /usr/share/man/man1
  /usr/share/man/man3 /usr/share/man/man5 /usr/share/man/man7 /usr/share/zsh
  /usr/share/zsh/site-functions)
include(CPack)
