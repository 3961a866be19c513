//! Bodies and the fate of a stream: buffers, continue, reset, local reply.

use super::guest::Guest;
use crate::buffer;
use crate::headers::saturate;
use crate::pairs;
use crate::reply::LocalReply;
use crate::state::State;
use crate::status::{Outcome, Status};
use bytes::BytesMut;

/// The buffer of an ABI number, if such a buffer can be there at all. One that only is not there
/// now reads as empty, as in Envoy.
fn readable(state: &State, kind: u32) -> Result<&[u8], Status> {
    let stream = state.stream();
    match kind {
        0 => Ok(stream
            .map(|stream| &stream.request.body[..])
            .unwrap_or_default()),
        1 => Ok(stream
            .map(|stream| &stream.response.body[..])
            .unwrap_or_default()),
        // Data of TCP connections, which this host does not serve.
        2 | 3 => Ok(&[]),
        4 => match &state.http_answer {
            Some(answer) => Ok(&answer.body),
            None => Err(Status::NotFound),
        },
        5 => Ok(&state.grpc_message),
        6 => Ok(&state.shared.config.plugin.vm_configuration),
        7 if state.configuring => Ok(&state.shared.config.plugin.configuration),
        // The configuration outside of `on_configure`, call data.
        7 | 8 => Err(Status::NotFound),
        _ => Err(Status::BadArgument),
    }
}

pub(super) fn buffer_status(guest: &mut Guest<'_>, kind: u32, length: u32, flags: u32) -> Outcome {
    let size = readable(guest.state(), kind)?.len();
    guest.write_u32(length, saturate(size))?;
    Ok(guest.write_u32(flags, 0)?)
}

pub(super) fn buffer(
    guest: &mut Guest<'_>,
    kind: u32,
    start: u32,
    length: u32,
    bytes: u32,
    size: u32,
) -> Outcome {
    let part = buffer::slice(readable(guest.state(), kind)?, start, length)?.to_vec();
    guest.give(&part, bytes, size)
}

pub(super) fn set_buffer(
    guest: &mut Guest<'_>,
    kind: u32,
    start: u32,
    length: u32,
    bytes: u32,
    size: u32,
) -> Outcome {
    readable(guest.state(), kind)?;
    let data = guest.copy(bytes, size)?;
    let body = writable(guest.state_mut(), kind).ok_or(Status::BadArgument)?;
    Ok(buffer::splice(
        body,
        start as usize,
        length as usize,
        &data,
    )?)
}

fn writable(state: &mut State, kind: u32) -> Option<&mut BytesMut> {
    let stream = state.stream_mut()?;
    match kind {
        0 => Some(&mut stream.request.body),
        1 => Some(&mut stream.response.body),
        _ => None,
    }
}

pub(super) fn continue_stream(guest: &mut Guest<'_>, kind: u32) -> Outcome {
    let response = match kind {
        0 => false,
        1 => true,
        _ => return Err(Status::BadArgument.into()),
    };
    if let Some(stream) = guest.state_mut().stream_mut() {
        stream.resume(response);
    }
    Ok(())
}

pub(super) fn close_stream(guest: &mut Guest<'_>, kind: u32) -> Outcome {
    match kind {
        0 | 1 => {
            if let Some(stream) = guest.state_mut().stream_mut() {
                stream.reset = true;
                stream.wake.notify_one();
            }
            Ok(())
        }
        // Downstream and upstream of TCP: nothing to close on an HTTP stream.
        2 | 3 => Ok(()),
        _ => Err(Status::BadArgument.into()),
    }
}

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
pub(super) fn send_local_response(
    guest: &mut Guest<'_>,
    status: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    _grpc_status: u32,
) -> Outcome {
    let reply = LocalReply {
        status: u16::try_from(status).unwrap_or(u16::MAX),
        headers: pairs::decode(guest.bytes(headers, headers_size)?),
        body: guest.copy(body, body_size)?.into(),
        details: guest.text(details, details_size)?,
        from_plugin: true,
    };
    let state = guest.state_mut();
    state.stop_iteration = true;
    // Without a stream (root context, or a client that is gone) it is Ok and nothing happens.
    if let Some(stream) = state.stream_mut() {
        stream.reply(reply);
    }
    Ok(())
}
