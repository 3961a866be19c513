//! Request targets that Envoy takes and hyper does not: with `"`, `<`, `>` or a backquote.
//!
//! SCIM clients do send `?filter=userName%20eq%20"bob"`. hyper answers 400 before anything of ours
//! runs, so these bytes are percent-encoded on their way in. Only the first line of a request is
//! touched: the server says when a request has ended, and what is read next is a new one.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read from the client at once.
const READ: usize = 16 * 1024;

/// What the next byte from the client belongs to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Position {
    /// A new request.
    #[default]
    Start,
    /// The first line of a request, of which some was read.
    RequestLine,
    /// Anything else: passed through as it is.
    Rest,
}

/// Shared by a connection's reader and its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Between(Rc<Cell<Position>>);

impl Between {
    /// All of a request has been read: what comes next begins another one.
    pub(crate) fn request_ended(&self) {
        self.0.set(Position::Start);
    }
}

/// A connection with request lines made acceptable to hyper.
#[derive(Debug)]
pub(crate) struct LenientTargets<S> {
    stream: S,
    between: Between,
    /// Bytes made acceptable and not handed on yet, from the second field on.
    ready: (Vec<u8>, usize),
}

impl<S> LenientTargets<S> {
    pub(crate) fn new(stream: S, between: Between) -> Self {
        Self {
            stream,
            between,
            ready: (Vec::new(), 0),
        }
    }
}

/// Whether `bytes` begin with a method. They do not when hyper has read the start of a pipelined
/// request already: what comes then is somewhere in its headers, which are not to be touched.
fn begins_request(bytes: &[u8]) -> bool {
    let is_method = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'-';
    let method = bytes.iter().take_while(|byte| is_method(byte)).count();
    method > 0 && bytes.get(method).is_none_or(|byte| *byte == b' ')
}

/// Percent-encodes in `bytes` up to the end of the line, and tells what comes after them.
fn encode(position: Position, bytes: &[u8], out: &mut Vec<u8>) -> Position {
    if position == Position::Start && !begins_request(bytes) {
        out.extend_from_slice(bytes);
        return Position::Rest;
    }
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    for byte in line {
        match byte {
            b'"' => out.extend_from_slice(b"%22"),
            b'<' => out.extend_from_slice(b"%3C"),
            b'>' => out.extend_from_slice(b"%3E"),
            b'`' => out.extend_from_slice(b"%60"),
            _ => out.push(*byte),
        }
    }
    out.extend_from_slice(rest);
    if rest.is_empty() {
        Position::RequestLine
    } else {
        Position::Rest
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LenientTargets<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ready.1 == this.ready.0.len() {
            let position = this.between.0.get();
            if position == Position::Rest {
                return Pin::new(&mut this.stream).poll_read(context, buffer);
            }
            let mut bytes = [0; READ];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            this.ready.0.clear();
            this.ready.1 = 0;
            let next = encode(position, read.filled(), &mut this.ready.0);
            this.between.0.set(next);
        }
        let rest = this.ready.0.get(this.ready.1..).unwrap_or_default();
        let part = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(part);
        this.ready.1 = this.ready.1.saturating_add(part.len());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LenientTargets<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(position: Position, bytes: &[u8]) -> (Position, String) {
        let mut out = Vec::new();
        let next = encode(position, bytes, &mut out);
        (next, String::from_utf8(out).unwrap())
    }

    #[test]
    fn only_the_request_line_is_encoded() {
        let (next, text) = encoded(Position::Start, b"GET /?a=\"<>` HTTP/1.1\r\nx: \"\r\n\r\n");
        assert_eq!(text, "GET /?a=%22%3C%3E%60 HTTP/1.1\r\nx: \"\r\n\r\n");
        assert_eq!(next, Position::Rest);
    }

    #[test]
    fn a_cut_line_goes_on_with_the_next_read() {
        let (next, text) = encoded(Position::Start, b"GET /\"");
        assert_eq!((next, text.as_str()), (Position::RequestLine, "GET /%22"));
        let (next, text) = encoded(next, b"\" HTTP/1.1\r\nx: \"");
        assert_eq!(
            (next, text.as_str()),
            (Position::Rest, "%22 HTTP/1.1\r\nx: \"")
        );
    }

    #[test]
    fn what_does_not_begin_with_a_method_is_left_alone() {
        let (next, text) = encoded(Position::Start, b"\"b\"\r\n\r\n");
        assert_eq!((next, text.as_str()), (Position::Rest, "\"b\"\r\n\r\n"));
    }
}
