//! Generates the messages, and for `services` the gRPC stubs, without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = protox::compile(["proto/rpc.proto"], ["proto"])?;
    let services = std::env::var_os("CARGO_FEATURE_SERVICES").is_some();
    tonic_prost_build::configure()
        .build_client(services)
        .build_server(services)
        .compile_fds(files)?;
    println!("cargo:rerun-if-changed=proto/rpc.proto");
    Ok(())
}
