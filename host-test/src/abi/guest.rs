//! The plugin's memory: every access is checked, a pointer outside of it is status 6.

use crate::state::State;
use crate::status::{Fault, Status};
use wasmtime::Caller;

/// The plugin that called, for the time of one host function.
pub(super) struct Guest<'a>(pub(super) Caller<'a, State>);

impl Guest<'_> {
    pub(super) fn state(&self) -> &State {
        self.0.data()
    }

    pub(super) fn state_mut(&mut self) -> &mut State {
        self.0.data_mut()
    }

    /// The bytes at `pointer`.
    pub(super) fn bytes(&self, pointer: u32, size: u32) -> Result<&[u8], Status> {
        let memory = self.state().memory.ok_or(Status::InvalidMemoryAccess)?;
        let (start, size) = (pointer as usize, size as usize);
        let end = start.checked_add(size).ok_or(Status::InvalidMemoryAccess)?;
        memory
            .data(&self.0)
            .get(start..end)
            .ok_or(Status::InvalidMemoryAccess)
    }

    /// A copy of the bytes at `pointer`, for use while the state changes.
    pub(super) fn copy(&self, pointer: u32, size: u32) -> Result<Vec<u8>, Status> {
        self.bytes(pointer, size).map(<[u8]>::to_vec)
    }

    /// A copy as text; what is not UTF-8 is replaced.
    pub(super) fn text(&self, pointer: u32, size: u32) -> Result<String, Status> {
        let bytes = self.bytes(pointer, size)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Writes `bytes` at `pointer`.
    pub(super) fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), Status> {
        let memory = self.state().memory.ok_or(Status::InvalidMemoryAccess)?;
        memory
            .write(&mut self.0, pointer as usize, bytes)
            .map_err(|_| Status::InvalidMemoryAccess)
    }

    pub(super) fn write_u32(&mut self, pointer: u32, value: u32) -> Result<(), Status> {
        self.write(pointer, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, pointer: u32, value: u64) -> Result<(), Status> {
        self.write(pointer, &value.to_le_bytes())
    }

    /// Hands `bytes` over in memory that the plugin's own allocator provides. Nothing is handed
    /// over as a null pointer.
    pub(super) fn give(&mut self, bytes: &[u8], pointer: u32, size: u32) -> Result<(), Fault> {
        let length = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let mut address = 0;
        if length > 0 {
            let allocate = self
                .state()
                .allocate
                .clone()
                .ok_or(Status::InvalidMemoryAccess)?;
            address = allocate.call(&mut self.0, length).map_err(Fault::Trap)?;
            if address == 0 {
                return Err(Status::InvalidMemoryAccess.into());
            }
            self.write(address, bytes)?;
        }
        self.write_u32(pointer, address)?;
        self.write_u32(size, length)?;
        Ok(())
    }
}
