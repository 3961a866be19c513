//! How much of its memory the VM has given out: linear memory never shrinks, and where there is none
//! left (Envoy gives a VM 1 GiB) the VM traps. So everything that is allocated is counted.

use cap::Cap;
use directory::environment::Memory;
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The memory of this VM.
#[derive(Debug)]
pub(crate) struct VmMemory;

impl Memory for VmMemory {
    fn allocated(&self) -> usize {
        ALLOCATOR.allocated()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_and_what_is_given_back_does_not() {
        // Larger than all that other tests hold meanwhile.
        const SIZE: usize = 1 << 28;
        let held = vec![0_u8; SIZE];
        assert!(VmMemory.allocated() >= SIZE);
        drop(held);
        assert!(VmMemory.allocated() < SIZE);
    }
}
