//! The service's side: its event feed and its table of live sessions, asked until they answer.

use crate::admin::bearer;
use crate::disconnect::token::Token;
use crate::error::Error;
use crate::http::{Client, Url};
use bytes::Bytes;
use hyper::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the service may hold a question about events.
const WAIT: Duration = Duration::from_secs(25);
/// How long an answer may take beyond that.
const ANSWER: Duration = Duration::from_secs(10);
/// The wait after a first failure; doubled for each that follows.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait: what a service that comes back is noticed after.
const LAST_BACKOFF: Duration = Duration::from_secs(5);

/// A session that gear told of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// The service's name for it.
    pub(crate) id: String,
    /// The user's id.
    #[serde(default)]
    pub(crate) user_id: Option<String>,
    /// The user's name, as the gear knows it.
    #[serde(default)]
    pub(crate) user_name: Option<String>,
    /// The decision that the user would get now.
    #[serde(default)]
    pub(crate) current: Option<String>,
    /// What is to happen to it.
    #[serde(default)]
    pub(crate) verdict: Verdict,
    #[serde(default)]
    pub(crate) nas_ip_address: Option<String>,
    #[serde(default)]
    pub(crate) nas_identifier: Option<String>,
    #[serde(default)]
    pub(crate) acct_session_id: Option<String>,
    #[serde(default)]
    pub(crate) calling_station_id: Option<String>,
    #[serde(default)]
    pub(crate) framed_ip_address: Option<String>,
    /// What it may do from now on, when the verdict is [`Verdict::Change`].
    #[serde(default)]
    pub(crate) policy: Option<Policy>,
}

/// What is to happen to a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// It ends: the user may not be on.
    Disconnect,
    /// It goes on under another policy.
    Change,
    /// Nothing; also whatever a later service may say.
    #[default]
    #[serde(other)]
    Keep,
}

/// What a session may do; what is absent is not limited.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) vlan: Option<u32>,
    #[serde(default)]
    pub(crate) bandwidth_up: Option<u32>,
    #[serde(default)]
    pub(crate) bandwidth_down: Option<u32>,
    #[serde(default)]
    pub(crate) session_timeout: Option<u32>,
    #[serde(default)]
    pub(crate) idle_timeout: Option<u32>,
}

/// A page of the feed. What happened does not matter here, only that something did: what follows
/// from it is read from the table of sessions.
#[derive(Debug, Deserialize)]
pub(crate) struct Events {
    pub(crate) events: Vec<serde::de::IgnoredAny>,
    pub(crate) next: String,
}

#[derive(Debug, Deserialize)]
struct Sessions {
    sessions: Vec<Session>,
    /// Where the next page begins; absent on the last one.
    #[serde(default)]
    next: Option<String>,
}

/// The service would not answer this, and will not if asked again.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    body: String,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Service {
    client: Client,
    base: String,
    token: Token,
    /// So that it is told once when the service goes, and when it is back.
    away: AtomicBool,
}

impl Service {
    /// The admin API at `url`, for one tenant.
    pub(crate) fn new(url: &str, tenant: &str, token: Token) -> Self {
        Self {
            client: Client::new(WAIT + ANSWER),
            base: format!("{}/tenants/{tenant}", url.trim_end_matches('/')),
            token,
            away: AtomicBool::new(false),
        }
    }

    /// The events after a cursor, for which the service waits. Without one none: only where the
    /// feed is now.
    pub(crate) async fn events(&self, after: Option<&str>) -> Result<Events, Refused> {
        let query = match after {
            Some(cursor) => format!("after={cursor}&wait={}", WAIT.as_secs()),
            None => "count=0".to_owned(),
        };
        self.get(&format!("/events?{query}")).await
    }

    /// All live sessions, page by page.
    pub(crate) async fn sessions(&self) -> Result<Vec<Session>, Refused> {
        let mut page: Sessions = self.get("/sessions").await?;
        let mut all = page.sessions;
        while let Some(after) = page.next {
            page = self.get(&format!("/sessions?after={after}")).await?;
            all.append(&mut page.sessions);
        }
        Ok(all)
    }

    /// Asks until there is an answer that says something.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let failure = match self.ask(path).await {
                Ok(answer) if answer.status().is_success() => {
                    match serde_json::from_slice(answer.body()) {
                        Ok(read) => {
                            self.is_back();
                            return Ok(read);
                        }
                        Err(e) => format!("its answer is not understood: {e}"),
                    }
                }
                Ok(answer) if is_final(answer.status()) => {
                    self.is_back();
                    return Err(Refused {
                        status: answer.status(),
                        body: String::from_utf8_lossy(answer.body()).trim().to_owned(),
                    });
                }
                Ok(answer) => format!("it answered {}", answer.status()),
                Err(e) => e.to_string(),
            };
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    reason = failure,
                    "the service does not answer, asking until it does"
                );
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
    }

    async fn ask(&self, path: &str) -> Result<Response<Bytes>, Error> {
        let url = Url::parse(&format!("{}{path}", self.base))?;
        let headers = bearer(&self.token.read()?)?;
        let answer = self.client.send(&Method::GET, &url, &headers, None);
        Ok(answer.await?)
    }

    fn is_back(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the service answers again");
        }
    }
}

/// Whether asking again would be of no use.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn sessions_of_all_pages_are_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/admin/v1", listener.local_addr().unwrap());
        let pages = [
            r#"{"sessions":[{"id":"1"},{"id":"2"}],"next":"u/2"}"#,
            r#"{"sessions":[{"id":"3"}],"next":"u/3"}"#,
            r#"{"sessions":[]}"#,
        ];
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for page in pages {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    stream.read_line(&mut head).await.unwrap();
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{page}",
                    page.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                asked.push(head.split(' ').nth(1).unwrap().to_owned());
            }
            asked
        });
        let service = Service::new(&url, "acme", Token::Known("scim_one".into()));
        let sessions = service.sessions().await.unwrap();
        let ids: Vec<_> = sessions.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["1", "2", "3"]);
        let path = "/admin/v1/tenants/acme/sessions";
        let asked = ["", "?after=u/2", "?after=u/3"].map(|query| format!("{path}{query}"));
        assert_eq!(served.await.unwrap(), asked);
    }
}
