//! What the bodies of all requests under way take of a worker's memory, parsed ones too.
//! It is bounded: linear memory never shrinks, and where there is none left (Envoy gives a
//! VM 1 GiB) the VM traps.

use scim::Error;
use std::cell::Cell;
use std::rc::Rc;

/// The bodies that a worker holds.
#[derive(Debug)]
pub(crate) struct Bodies {
    limit: usize,
    held: Cell<usize>,
}

impl Bodies {
    /// None, and never more than so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Cell::new(0),
        }
    }

    /// One more, which is empty.
    pub(crate) fn begin(self: &Rc<Self>) -> Share {
        Share {
            bodies: Rc::clone(self),
            size: 0,
        }
    }
}

/// What one body takes. Dropping it gives that back.
#[derive(Debug)]
pub(crate) struct Share {
    bodies: Rc<Bodies>,
    size: usize,
}

impl Share {
    /// Takes so many bytes more. No request may have more than it leaves to others, so that
    /// large ones are refused long before small ones are.
    pub(crate) fn grow(&mut self, by: usize) -> Result<(), Error> {
        let size = self.size.saturating_add(by);
        let held = self.bodies.held.get().saturating_add(by);
        if size > self.bodies.limit.saturating_sub(held) {
            return Err(Error::Unavailable {
                reason: "The requests under way take limits.max_request_memory_bytes.",
            });
        }
        self.size = size;
        self.bodies.held.set(held);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = self.bodies.held.get().saturating_sub(self.size);
        self.bodies.held.set(held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_never_larger_than_what_it_leaves_to_others() {
        let bodies = Rc::new(Bodies::new(100));
        let (mut large, mut other, mut small) = (bodies.begin(), bodies.begin(), bodies.begin());
        assert_eq!(large.grow(50), Ok(()));
        assert!(large.grow(1).is_err());
        assert!(other.grow(26).is_err());
        assert_eq!(other.grow(25), Ok(()));
        assert_eq!(small.grow(12), Ok(()));
        assert!(small.grow(1).is_err());
    }

    #[test]
    fn what_a_body_took_is_given_back_and_what_it_was_refused_was_never_taken() {
        let bodies = Rc::new(Bodies::new(100));
        for _ in 0..3 {
            let mut share = bodies.begin();
            assert_eq!(share.grow(20), Ok(()));
            assert!(share.grow(31).is_err());
            assert_eq!(share.grow(30), Ok(()));
        }
        assert_eq!(bodies.held.get(), 0);
    }
}
