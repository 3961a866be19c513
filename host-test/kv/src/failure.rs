//! What a call can fail with: etcd's own errors, word for word, because clients
//! tell them apart by their text, and a storage that no longer takes writes.

use tonic::{Code, Status};

/// A refused or failed call. The texts of the first variants are etcd's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    #[error("etcdserver: key not found")]
    KeyNotFound,
    #[error("etcdserver: value is provided")]
    ValueProvided,
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    #[error("etcdserver: too many operations in txn request")]
    TooManyOps,
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    #[error("etcdserver: invalid sort option")]
    InvalidSortOption,
    #[error("etcdserver: request is too large")]
    RequestTooLarge,
    #[error("grpc: received message larger than max ({size} vs. {max})")]
    MessageTooLarge { size: usize, max: usize },
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    /// The server is going down; nothing was written.
    #[error("etcdserver: server stopped")]
    Stopped,
    /// The write may or may not be on the disk: only opening the store again tells.
    #[error("edge-kv: the storage failed: {0}; free space or replace the disk, then restart")]
    Storage(String),
}

impl Failure {
    /// A storage error, kept as its text since the store is unusable after it.
    pub(crate) fn storage(error: impl Into<redb::Error>) -> Self {
        Self::Storage(error.into().to_string())
    }

    fn code(&self) -> Code {
        match self {
            Self::EmptyKey
            | Self::KeyNotFound
            | Self::ValueProvided
            | Self::LeaseProvided
            | Self::TooManyOps
            | Self::DuplicateKey
            | Self::InvalidSortOption
            | Self::RequestTooLarge => Code::InvalidArgument,
            Self::MessageTooLarge { .. } => Code::ResourceExhausted,
            Self::Compacted | Self::FutureRevision | Self::LeaseTtlTooLarge => Code::OutOfRange,
            Self::LeaseNotFound => Code::NotFound,
            Self::LeaseExists => Code::FailedPrecondition,
            Self::Stopped | Self::Storage(_) => Code::Unavailable,
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code(), failure.to_string())
    }
}
