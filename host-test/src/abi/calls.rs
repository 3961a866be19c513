//! gRPC and HTTP calls. They belong to the root context, whoever makes them.

use super::guest::Guest;
use crate::grpc::{Upstream, UpstreamError};
use crate::headers::Headers;
use crate::log::LogLevel;
use crate::pairs;
use crate::state::{Action, HttpCall, UnaryCall};
use crate::status::{Outcome, Status};
use std::time::Duration;

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
pub(super) fn grpc_call(
    guest: &mut Guest<'_>,
    upstream: u32,
    upstream_size: u32,
    service: u32,
    service_size: u32,
    method: u32,
    method_size: u32,
    metadata: u32,
    metadata_size: u32,
    message: u32,
    message_size: u32,
    timeout: u32,
    token: u32,
) -> Outcome {
    let upstream = parse_upstream(guest, upstream, upstream_size)?;
    let service = guest.text(service, service_size)?;
    let method = guest.text(method, method_size)?;
    let metadata = pairs::decode(guest.bytes(metadata, metadata_size)?);
    let message = guest.copy(message, message_size)?.into();
    let number = guest.state_mut().call_tokens.next();
    if !guest
        .state()
        .shared
        .config
        .clusters
        .contains_key(&upstream.cluster)
    {
        return Err(Status::InternalFailure.into());
    }
    guest.write_u32(token, number)?;
    let state = guest.state_mut();
    state.calls.insert(number);
    state.actions.push(Action::Call(UnaryCall {
        token: number,
        cluster: upstream.cluster,
        authority: upstream.authority,
        path: format!("/{service}/{method}"),
        metadata,
        message,
        timeout: Duration::from_millis(timeout.into()),
    }));
    Ok(())
}

fn parse_upstream(guest: &mut Guest<'_>, pointer: u32, size: u32) -> Result<Upstream, Status> {
    let bytes = guest.bytes(pointer, size)?;
    let clusters = &guest.state().shared.config.clusters;
    let parsed = Upstream::parse(bytes, |name| clusters.contains_key(name));
    parsed.map_err(|error| match error {
        UpstreamError::CrashesEnvoy(name) => {
            let message = format!(
                "gRPC upstream {name:?} would crash Envoy: the bare name happens to parse as an \
                 empty GrpcService message; pass a serialized GrpcService with \
                 envoy_grpc.cluster_name instead"
            );
            guest.state_mut().log(LogLevel::Critical, message);
            // What Envoy answers to a name it cannot use; the Rust SDK panics on most others.
            Status::ParseFailure
        }
        UpstreamError::NoEnvoyGrpc => Status::InternalFailure,
        UpstreamError::Unknown => Status::ParseFailure,
    })
}

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
pub(super) fn http_call(
    guest: &mut Guest<'_>,
    upstream: u32,
    upstream_size: u32,
    headers: u32,
    headers_size: u32,
    body: u32,
    body_size: u32,
    _trailers: u32,
    _trailers_size: u32,
    timeout: u32,
    token: u32,
) -> Outcome {
    let cluster = guest.text(upstream, upstream_size)?;
    let mut map = Headers::default();
    map.replace_all(pairs::decode(guest.bytes(headers, headers_size)?));
    let body = guest.copy(body, body_size)?.into();
    let is_complete = [":method", ":path", ":authority"]
        .iter()
        .all(|name| map.first(name.as_bytes()).is_some());
    let clusters = &guest.state().shared.config.clusters;
    if !clusters.contains_key(&cluster) || !is_complete {
        return Err(Status::BadArgument.into());
    }
    let number = guest.state_mut().http_call_tokens.next();
    guest.write_u32(token, number)?;
    let state = guest.state_mut();
    state.calls.insert(number);
    state.actions.push(Action::HttpCall(HttpCall {
        token: number,
        cluster,
        headers: map,
        body,
        timeout: Duration::from_millis(timeout.into()),
    }));
    Ok(())
}

/// Cancel and close are the same for a unary call: its answer will not come. Stream tokens do not
/// exist here.
pub(super) fn grpc_cancel(guest: &mut Guest<'_>, token: u32) -> Outcome {
    let state = guest.state_mut();
    if !state.calls.remove(&token) {
        return Err(Status::NotFound.into());
    }
    state.actions.push(Action::CancelCall(token));
    Ok(())
}

pub(super) fn status(guest: &mut Guest<'_>, code: u32, message: u32, message_size: u32) -> Outcome {
    let (number, text) = guest.state().grpc_status.clone();
    guest.write_u32(code, number)?;
    guest.give(text.as_bytes(), message, message_size)
}
