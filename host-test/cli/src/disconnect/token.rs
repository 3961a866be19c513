//! The token with which the service is asked: never on the command line, where every process of
//! the machine can read it.

use crate::error::Error;
use std::fmt;
use std::path::PathBuf;

/// Where the token is when no file is named.
pub(crate) const VARIABLE: &str = "SCIM_EDGE_TOKEN";

/// A token, or where it is.
#[derive(Clone)]
pub(crate) enum Token {
    /// In a file, read anew for each request: a token is exchanged without a restart.
    File(PathBuf),
    /// This one.
    Known(String),
}

impl Token {
    /// The file, else what the environment holds.
    pub(crate) fn find(file: Option<PathBuf>) -> Result<Self, Error> {
        match file {
            Some(file) => Ok(Self::File(file)),
            None => std::env::var(VARIABLE)
                .map(Self::Known)
                .map_err(|_| Error::NoToken(VARIABLE)),
        }
    }

    /// The token as it is now.
    pub(crate) fn read(&self) -> Result<String, Error> {
        match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(Error::file("read", path)),
            Self::Known(token) => Ok(token.clone()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_read_each_time_and_no_token_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "scim_one\n").unwrap();
        let token = Token::find(Some(path.clone())).unwrap();
        assert_eq!(token.read().unwrap(), "scim_one");
        std::fs::write(&path, "scim_two").unwrap();
        assert_eq!(token.read().unwrap(), "scim_two");
        assert_eq!(format!("{:?}", Token::Known("scim_one".into())), "Token");
        std::fs::remove_file(&path).unwrap();
        assert!(token.read().is_err());
    }
}
