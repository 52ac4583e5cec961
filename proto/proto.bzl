"""Generated C++ for .proto files, with Debian's protoc and gRPC plugin."""

def cc_grpc_library(name, srcs, deps = [], services = True, **kwargs):
    """A C++ library of the messages in `srcs` and, with `services`, of their gRPC stubs.

    Includes are relative to this folder: "scoutlight/registry/v1/registry.pb.h".
    """
    stems = [src[:-len(".proto")] for src in srcs]
    outs = [stem + end for stem in stems for end in [".pb.h", ".pb.cc"]]
    plugin = ""
    if services:
        outs += [stem + end for stem in stems for end in [".grpc.pb.h", ".grpc.pb.cc"]]
        plugin = "--grpc_out=$(RULEDIR) --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"
    native.genrule(
        name = name + "_generated",
        srcs = srcs + ["//proto:all_protos"],
        outs = outs,
        cmd = "protoc -I proto --cpp_out=$(RULEDIR) " + plugin + " " + " ".join(["proto/" + src for src in srcs]),
    )
    native.cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".cc")],
        hdrs = [out for out in outs if out.endswith(".h")],
        copts = ["-w"],
        includes = ["."],
        # Descriptors register themselves when their object files are linked: reflection needs them all.
        alwayslink = True,
        deps = deps + ["//third_party/system:grpc" if services else "//third_party/system:protobuf"],
        **kwargs
    )
