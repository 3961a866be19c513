//! The targets under libFuzzer, one a process: the variable `FUZZ_TARGET` names it.
//! `cargo edge fuzz` builds this with coverage and runs it.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the target");
    fuzz::target(&name).expect("FUZZ_TARGET names a folder of tests/fuzz/corpus")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
