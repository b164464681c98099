# shellcheck shell=bash
write_accounting_conf() { printf 'AccountingStorageType=accounting_storage/none\n'; }
