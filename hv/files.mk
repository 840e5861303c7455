# SPDX-License-Identifier: BSD-2-Clause

unit-tests += test_kvm_abi
test_kvm_abi-srcs := tests/unit/test_kvm_abi.c tests/unit/kvm_abi_linux.c
