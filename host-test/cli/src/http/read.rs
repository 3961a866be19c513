//! Reading an HTTP/1.1 answer (RFC 9112): its head with `httparse`, its body by what the head says.

use crate::http::HttpError;
use bytes::Bytes;
use httparse::Status;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The largest head that is read, in bytes.
const MAX_HEAD: usize = 256 << 10;
/// The most headers of a head.
const MAX_HEADERS: usize = 256;

/// Reads the answer to a request with this method; interim answers (1xx) are passed over.
pub(crate) async fn response(
    stream: impl AsyncRead + Unpin,
    method: &Method,
) -> Result<Response<Bytes>, HttpError> {
    let mut input = Input {
        stream,
        buffer: Vec::new(),
    };
    let head = loop {
        let head = input.head().await?;
        if !head.status().is_informational() {
            break head;
        }
    };
    let body = input.body(&head, method).await?;
    Ok(head.map(|()| body.into()))
}

/// A stream and what has been read of it but not used.
struct Input<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Input<S> {
    async fn head(&mut self) -> Result<Response<()>, HttpError> {
        loop {
            if let Some((head, length)) = parse_head(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(head);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(answer("its head is too large"));
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, head: &Response<()>, method: &Method) -> Result<Vec<u8>, HttpError> {
        let bodiless = matches!(
            head.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        if *method == Method::HEAD || bodiless {
            return Ok(Vec::new());
        }
        let headers = head.headers();
        if headers
            .get(TRANSFER_ENCODING)
            .is_some_and(|v| v.as_bytes().ends_with(b"chunked"))
        {
            return self.chunks().await;
        }
        let Some(length) = headers.get(CONTENT_LENGTH) else {
            return self.rest().await;
        };
        let length = length.to_str().ok().and_then(|text| text.parse().ok());
        self.take(length.ok_or_else(|| answer("its content-length is no number"))?)
            .await
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        loop {
            let bad = |_| answer("a chunk has no size");
            let size = match httparse::parse_chunk_size(&self.buffer).map_err(bad)? {
                Status::Partial => {
                    self.more().await?;
                    continue;
                }
                Status::Complete((used, size)) => {
                    self.buffer.drain(..used);
                    usize::try_from(size).map_err(|_| answer("a chunk is too large"))?
                }
            };
            if size == 0 {
                // The trailers are of no use here.
                return Ok(body);
            }
            body.extend(self.take(size).await?);
            self.take(b"\r\n".len()).await?;
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>, HttpError> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn rest(&mut self) -> Result<Vec<u8>, HttpError> {
        self.stream.read_to_end(&mut self.buffer).await?;
        Ok(std::mem::take(&mut self.buffer))
    }

    async fn more(&mut self) -> Result<(), HttpError> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(answer("the connection was closed before its end")),
            _ => Ok(()),
        }
    }
}

/// The head at the start of `input` and its length, when it is whole.
fn parse_head(input: &[u8]) -> Result<Option<(Response<()>, usize)>, HttpError> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    let length = match parsed.parse(input).map_err(|e| answer(&e.to_string()))? {
        Status::Partial => return Ok(None),
        Status::Complete(length) => length,
    };
    let mut head = Response::new(());
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    *head.status_mut() = status.ok_or_else(|| answer("it has no status"))?;
    for field in parsed.headers.iter() {
        let invalid = hyper::http::Error::from;
        let name = HeaderName::try_from(field.name).map_err(|e| HttpError::Header(invalid(e)))?;
        let value =
            HeaderValue::from_bytes(field.value).map_err(|_| answer("a header is not text"))?;
        head.headers_mut().append(name, value);
    }
    Ok(Some((head, length)))
}

fn answer(fault: &str) -> HttpError {
    HttpError::Answer(fault.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(method: &Method, bytes: &str) -> Result<(u16, String), String> {
        match response(bytes.as_bytes(), method).await {
            Ok(response) => {
                let body = String::from_utf8(response.body().to_vec()).unwrap();
                Ok((response.status().as_u16(), body))
            }
            Err(e) => Err(e.to_string()),
        }
    }

    #[tokio::test]
    async fn body_ends_where_the_head_says() {
        for (bytes, body) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef", "abc"),
            ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
                "abcd",
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
                "a",
            ),
        ] {
            assert_eq!(
                read(&Method::GET, bytes).await,
                Ok((200, body.into())),
                "{bytes}"
            );
        }
    }

    #[tokio::test]
    async fn answers_without_a_body_have_none() {
        let head = "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\n";
        assert_eq!(read(&Method::HEAD, head).await, Ok((404, String::new())));
        assert_eq!(
            read(&Method::PUT, "HTTP/1.1 204 No Content\r\n\r\n").await,
            Ok((204, String::new()))
        );
    }

    #[tokio::test]
    async fn answer_that_breaks_off_is_an_error() {
        for bytes in [
            "",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "SSH-2.0-OpenSSH\r\n",
        ] {
            assert!(read(&Method::GET, bytes).await.is_err(), "{bytes}");
        }
    }
}
