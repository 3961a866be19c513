//! Errors of a plugin that cannot be loaded say what is wrong.

use crate::support::{config, start};
use host_test::{Host, HostConfig, PluginConfig, StartError};

async fn error(module: &str) -> StartError {
    let module = wat::parse_str(module).unwrap();
    let started = Host::start(HostConfig::new(PluginConfig::new(module))).await;
    started.expect_err("the module should be refused")
}

#[tokio::test]
async fn configuration_that_the_plugin_refuses_is_told_in_its_own_words() {
    let mut config = config();
    config.plugin.configuration = b"refuse".to_vec();
    let error = Host::start(config).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the plugin refused its configuration in proxy_on_configure: \
         key \"refuse\" is not allowed"
    );
}

#[tokio::test]
async fn trap_while_configuring_is_an_error() {
    let mut config = config();
    config.plugin.configuration = b"trap".to_vec();
    let error = Host::start(config).await.err().unwrap();
    let callback = "proxy_on_configure";
    assert!(matches!(error, StartError::Trapped { callback: at, .. } if at == callback));
}

#[tokio::test]
async fn bytes_that_are_no_module_are_refused() {
    let plugin = PluginConfig::new(b"not wasm".to_vec());
    let error = Host::start(HostConfig::new(plugin)).await.err().unwrap();
    assert!(matches!(error, StartError::BadModule(_)));
}

#[tokio::test]
async fn missing_exports_are_named() {
    let export = |error| match error {
        StartError::MissingExport { export, .. } => export,
        other => panic!("{other}"),
    };
    assert_eq!(export(error("(module)").await), "proxy_abi_version_0_2_1");
    let marked = "(module (func (export \"proxy_abi_version_0_2_1\")))";
    assert_eq!(export(error(marked).await), "memory");
}

#[tokio::test]
async fn unknown_import_is_named() {
    let error = error(
        "(module (import \"env\" \"proxy_unheard_of\" (func))
           (memory (export \"memory\") 1)
           (func (export \"malloc\") (param i32) (result i32) i32.const 0)
           (func (export \"proxy_abi_version_0_2_1\")))",
    )
    .await;
    assert!(matches!(&error, StartError::Link(text) if text.contains("proxy_unheard_of")));
}

/// Logs from outside of its memory, then from inside of it, and answers whether both statuses were
/// right.
const OUT_OF_BOUNDS: &str = "
(module
  (import \"env\" \"proxy_log\" (func $log (param i32 i32 i32) (result i32)))
  (memory (export \"memory\") 1)
  (data (i32.const 0) \"inside\")
  (func (export \"malloc\") (param i32) (result i32) i32.const 1024)
  (func (export \"proxy_abi_version_0_2_1\"))
  (func (export \"proxy_on_configure\") (param i32 i32) (result i32)
    (i32.and
      (i32.and
        (i32.eq (call $log (i32.const 2) (i32.const 65530) (i32.const 7)) (i32.const 6))
        (i32.eq (call $log (i32.const 2) (i32.const -1) (i32.const -1)) (i32.const 6)))
      (i32.and
        (i32.eq (call $log (i32.const 9) (i32.const 0) (i32.const 6)) (i32.const 2))
        (i32.eqz (call $log (i32.const 2) (i32.const 0) (i32.const 6)))))))";

#[tokio::test]
async fn pointer_outside_of_memory_is_status_6() {
    let module = wat::parse_str(OUT_OF_BOUNDS).unwrap();
    let host = Host::start(HostConfig::new(PluginConfig::new(module)))
        .await
        .unwrap();
    assert_eq!(host.logs()[0].message, "inside");
    host.shutdown().await;
}

#[tokio::test]
async fn port_in_use_says_what_to_do() {
    let host = start().await;
    let address = host.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let error = host.listen(address).await.unwrap_err();
    assert!(error.to_string().contains("choose another port"), "{error}");
    host.shutdown().await;
}
