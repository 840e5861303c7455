# SPDX-License-Identifier: BSD-2-Clause

unit-tests += test_kvm_abi
test_kvm_abi-srcs := tests/unit/test_kvm_abi.c tests/unit/kvm_abi_linux.c
unit-tests += test_decode
test_decode-srcs := tests/unit/test_decode.c hv/decode.c hv/execute.c
test_decode-libs := -lcapstone

kernel-y += hv/decode.o hv/execute.o
