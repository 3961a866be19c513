//! How large the plugin is: in the file, and in memory.

use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{scim, tools, within};

/// Bytes of the module, before compression.
const LARGEST_MODULE: u64 = 1_750_000;
/// Bytes of linear memory of an idle worker's VM.
const LARGEST_MEMORY: usize = 16 << 20;

#[test]
fn module_is_small() {
    let size = std::fs::metadata(tools::plugin()).unwrap().len();
    eprintln!("the module has {size} bytes");
    assert!(size < LARGEST_MODULE, "{size} bytes");
}

#[test]
fn vm_is_small_before_and_after_work_on_wasmtime() {
    within(60, &[], async {
        let endpoint = Endpoint::start(Proxy::Wasmtime, Store::Embedded).await;
        let mut client = endpoint.client();
        for n in 0..200 {
            let created = client
                .post("/Users", &scim::user(&format!("{n}@example.com")))
                .await;
            assert_eq!(created.status, 201, "{created}");
            assert_eq!(client.get("/Users?count=100").await.status, 200);
        }
        let sizes = endpoint.running().host().unwrap().memory_sizes().await;
        eprintln!("the VMs have {sizes:?} bytes");
        assert!(!sizes.is_empty());
        for size in sizes {
            assert!(size.is_some_and(|bytes| bytes < LARGEST_MEMORY), "{size:?}");
        }
    });
}
