"""gRPC and RocksDB inside a program instead of beside it, for its `linkopts`; see docs/decisions/0013-linked-in.md.

The shared libraries that the dependencies name come later on the command line; nothing is left for them, so they are not loaded.
"""

GRPC_LINKED_IN = [
    "-Wl,--as-needed",
    "-Wl,--start-group",
    "-l:libgrpc++.a",
    "-l:libgrpc.a",
    "-l:libgpr.a",
    "-l:libupb.a",
    "-l:libaddress_sorting.a",
    "-Wl,--end-group",
    "-labsl_random_internal_pool_urbg",
    "-labsl_random_internal_randen",
    "-labsl_random_internal_randen_hwaes_impl",
    "-labsl_random_internal_randen_slow",
    "-labsl_spinlock_wait",
    "-lcares",
    "-lcrypto",
    "-lre2",
    "-lssl",
    "-lz",
]

ROCKSDB_LINKED_IN = [
    "-Wl,--as-needed",
    "-l:librocksdb.a",
    "-lbz2",
    "-llz4",
    "-lsnappy",
    "-lz",
    "-lzstd",
]
