//! A body buffer with the rules of Envoy's `set_buffer_bytes`.

use crate::status::Status;
use bytes::BytesMut;

/// Replaces, prepends or appends; Envoy cannot edit the middle of a buffer.
///
/// # Errors
/// [`Status::BadArgument`] for a range inside the buffer.
pub(crate) fn splice(
    buffer: &mut BytesMut,
    start: usize,
    length: usize,
    data: &[u8],
) -> Result<(), Status> {
    let size = buffer.len();
    match (start, length) {
        (0, 0) => {
            let rest = buffer.split();
            buffer.extend_from_slice(data);
            buffer.extend_from_slice(&rest);
        }
        (0, length) if length >= size => {
            buffer.clear();
            buffer.extend_from_slice(data);
        }
        (start, _) if start > 0 && start >= size => buffer.extend_from_slice(data),
        _ => return Err(Status::BadArgument),
    }
    Ok(())
}

/// The part of `buffer` a plugin may copy: a range that reaches over the end is cut there.
///
/// # Errors
/// [`Status::BadArgument`] when the range's end overflows.
pub(crate) fn slice(buffer: &[u8], start: u32, length: u32) -> Result<&[u8], Status> {
    let end = start.checked_add(length).ok_or(Status::BadArgument)?;
    let end = (end as usize).min(buffer.len());
    Ok(buffer.get(start as usize..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(start: usize, length: usize) -> Result<BytesMut, Status> {
        let mut buffer = BytesMut::from(&b"body"[..]);
        splice(&mut buffer, start, length, b"new").map(|()| buffer)
    }

    #[test]
    fn whole_range_replaces() {
        assert_eq!(spliced(0, 4).unwrap(), "new");
        assert_eq!(spliced(0, 99).unwrap(), "new");
    }

    #[test]
    fn empty_range_at_start_prepends() {
        assert_eq!(spliced(0, 0).unwrap(), "newbody");
    }

    #[test]
    fn range_past_the_end_appends() {
        assert_eq!(spliced(4, 0).unwrap(), "bodynew");
    }

    #[test]
    fn range_inside_is_refused() {
        assert_eq!(spliced(0, 3), Err(Status::BadArgument));
        assert_eq!(spliced(1, 3), Err(Status::BadArgument));
    }

    #[test]
    fn reads_are_cut_at_the_end() {
        assert_eq!(slice(b"body", 2, 9), Ok(&b"dy"[..]));
        assert_eq!(slice(b"body", 9, 1), Ok(&b""[..]));
        assert_eq!(slice(b"body", 2, u32::MAX), Err(Status::BadArgument));
    }
}
