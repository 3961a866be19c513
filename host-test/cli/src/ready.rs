//! The ready file: how a script learns that the endpoint answers, and its credentials.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::Path;

/// Everything a client needs. Written as JSON by `--ready-file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The SCIM base URL.
    pub base_url: String,
    /// A bearer token with scope `scim` in tenant `default`.
    pub token: String,
    /// The admin API's URL.
    pub admin_url: String,
    /// The admin key of this start.
    pub admin_key: String,
    /// A bearer token with scope `access` in tenant `default`.
    pub access_token: String,
    /// The process to interrupt to stop all of it.
    pub pid: u32,
}

impl Ready {
    /// Writes the file whole or not at all, for its owner alone.
    ///
    /// # Errors
    /// [`Error::File`] when the folder is missing or not writable.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let written = (|| {
            // Temporary files are made with mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        })();
        written.map_err(Error::file("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn ready_file_is_for_its_owner_and_replaces_an_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        std::fs::write(&path, "old").unwrap();
        let ready = Ready {
            base_url: "http://127.0.0.1:1/scim/v2".into(),
            token: "t".into(),
            admin_url: "http://127.0.0.1:1/admin/v1".into(),
            admin_key: "k".into(),
            access_token: "a".into(),
            pid: 1,
        };
        ready.write(&path).unwrap();
        let read: Ready = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, ready);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
