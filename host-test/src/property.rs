//! Properties: what `proxy_get_property` finds by a NUL-separated path.
//!
//! Text is given as its bytes, numbers as eight little-endian bytes, booleans as one byte and times
//! as nanoseconds since 1970, as in Envoy.

use crate::headers::Headers;
use crate::state::State;
use crate::stream::Stream;
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

/// The value at `path`, if there is one now.
pub(crate) fn read(state: &State, path: &[u8]) -> Option<Vec<u8>> {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let parts: Vec<&[u8]> = path.split(|byte| *byte == 0).collect();
    let plugin = &state.shared.config.plugin;
    match *parts.as_slice() {
        [b"plugin_name"] => return Some(text(&plugin.name)),
        [b"plugin_root_id"] => return Some(text(&plugin.root_id)),
        [b"plugin_vm_id"] => return Some(text(&plugin.vm_id)),
        _ => {}
    }
    let stream = state.stream()?;
    let downstream = &stream.downstream;
    match *parts.as_slice() {
        [b"request", b"headers", name] => header(stream, 0, name),
        [b"request", field] => request(stream, field),
        [b"response", b"headers", name] => header(stream, 2, name),
        [b"response", field] => response(stream, field),
        [b"source", field] => peer(downstream.source, field),
        [b"destination", field] => peer(downstream.destination, field),
        [b"connection", b"id"] | [b"connection_id"] => Some(number(downstream.connection_id)),
        [b"connection", b"mtls"] => Some(vec![0]),
        [custom] => stream.properties.get(custom).cloned(),
        _ => None,
    }
}

fn request(stream: &Stream, field: &[u8]) -> Option<Vec<u8>> {
    let header = |name| header(stream, 0, name);
    match field {
        b"path" => header(b":path"),
        b"url_path" => {
            let path = header(b":path")?;
            path.split(|byte| *byte == b'?').next().map(<[u8]>::to_vec)
        }
        b"query" => {
            let path = header(b":path")?;
            let query = path.iter().position(|byte| *byte == b'?')?;
            path.get(query.checked_add(1)?..).map(<[u8]>::to_vec)
        }
        b"host" => header(b":authority"),
        b"scheme" => header(b":scheme"),
        b"method" => header(b":method"),
        b"id" => header(b"x-request-id"),
        b"referer" => header(b"referer"),
        b"useragent" => header(b"user-agent"),
        b"protocol" => Some(text(stream.downstream.protocol)),
        b"size" => {
            let length = header(b"content-length")?;
            let length: u64 = std::str::from_utf8(&length).ok()?.parse().ok()?;
            Some(number(length))
        }
        b"time" => {
            let since = stream.downstream.started.duration_since(UNIX_EPOCH).ok()?;
            Some(number(u64::try_from(since.as_nanos()).ok()?))
        }
        _ => None,
    }
}

fn response(stream: &Stream, field: &[u8]) -> Option<Vec<u8>> {
    match field {
        b"code" => {
            let status = stream.response.headers.first(b":status")?;
            let status: u64 = std::str::from_utf8(status).ok()?.parse().ok()?;
            Some(number(status))
        }
        b"code_details" if !stream.details.is_empty() => Some(text(&stream.details)),
        _ => None,
    }
}

fn header(stream: &Stream, map: u32, name: &[u8]) -> Option<Vec<u8>> {
    let map: &Headers = stream.map(map)?;
    map.first(&name.to_ascii_lowercase()).map(<[u8]>::to_vec)
}

fn peer(address: SocketAddr, field: &[u8]) -> Option<Vec<u8>> {
    match field {
        b"address" => Some(text(&address.to_string())),
        b"port" => Some(number(address.port().into())),
        _ => None,
    }
}

fn text(value: &str) -> Vec<u8> {
    value.as_bytes().to_vec()
}

fn number(value: u64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}
