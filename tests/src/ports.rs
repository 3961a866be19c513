//! Ports for programs that cannot take port 0 and tell.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what Linux hands out by itself (32768 and up), so that no connection of a test that runs
/// at the same time takes the port between our look and its use.
const LOWEST: u16 = 15_000;
const COUNT: u16 = 16_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on the loopback interface that nobody uses now and that this process gives out once.
///
/// # Panics
/// When none is free.
#[must_use]
pub fn free() -> u16 {
    // Several test processes begin at different places.
    let offset = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = LOWEST + offset.wrapping_add(step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {LOWEST} and {}", LOWEST + COUNT);
}
