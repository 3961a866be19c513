//! The server as a program sees it: sockets, locks, limits, leases, errors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what failed by panicking"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use edge_kv::{Config, Error, History, Listen, Server};
use etcd_proto::kv_client::KvClient;
use etcd_proto::lease_client::LeaseClient;
use etcd_proto::maintenance_client::MaintenanceClient;
use etcd_proto::request_op::Request;
use etcd_proto::watch_client::WatchClient;
use etcd_proto::watch_request::RequestUnion;
use etcd_proto::{
    LeaseGrantRequest, LeaseKeepAliveRequest, LeaseTimeToLiveRequest, PutRequest, RangeRequest,
    RequestOp, StatusRequest, TxnRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest,
};
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

fn on_tcp(data: &Path) -> Config {
    Config {
        listen: vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())],
        ..Config::new(data)
    }
}

async fn start(config: Config) -> (Server, Channel) {
    let server = Server::start(config).await.unwrap();
    let uri = format!("http://{}", server.addresses()[0]);
    let channel = Endpoint::from_shared(uri).unwrap().connect_lazy();
    (server, channel)
}

fn put(key: &str, value: impl Into<Vec<u8>>) -> PutRequest {
    PutRequest {
        key: key.into(),
        value: value.into(),
        ..Default::default()
    }
}

fn get(key: &str) -> RangeRequest {
    RangeRequest {
        key: key.into(),
        ..Default::default()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn data_and_socket_are_their_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("new");
    let server = Server::start(Config::new(&data)).await.unwrap();
    let socket = Config::default_socket(&data);
    assert_eq!(server.addresses(), [Listen::Unix(socket.clone())]);
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&data.join("kv.redb")), 0o600);
    server.shutdown().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn the_socket_serves_calls_and_is_replaced_after_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let socket = Config::default_socket(data.path());
    // What a killed server leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let server = Server::start(Config::new(data.path())).await.unwrap();
    let uri = format!("unix://{}", socket.display());
    let channel = Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
    KvClient::new(channel).put(put("k", "v")).await.unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = start(on_tcp(data.path())).await;
    let error = Server::start(on_tcp(data.path())).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with("another process is using "),
        "{error}"
    );
    server.shutdown().await;
    let (server, _) = start(on_tcp(data.path())).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = Config {
        listen: vec![Listen::Tcp(address)],
        ..Config::new(data.path())
    };
    let error = Server::start(config).await.unwrap_err();
    assert!(matches!(error, Error::Tcp { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    // And the data is free again.
    let (server, _) = start(on_tcp(data.path())).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_file_in_the_place_of_the_socket_is_not_overwritten() {
    let data = tempfile::tempdir().unwrap();
    let socket = Config::default_socket(data.path());
    std::fs::write(&socket, "precious").unwrap();
    let error = Server::start(Config::new(data.path())).await.unwrap_err();
    assert!(matches!(error, Error::SocketInUse { .. }), "{error:?}");
    assert_eq!(std::fs::read(&socket).unwrap(), b"precious");
}

#[tokio::test]
async fn a_socket_path_beyond_the_systems_limit_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("x".repeat(100));
    let error = Server::start(Config::new(data)).await.unwrap_err();
    assert!(
        matches!(error, Error::SocketPathTooLong { max: 107, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_damaged_database_is_said_to_be_damaged() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("kv.redb"), vec![b'x'; 100_000]).unwrap();
    let error = Server::start(on_tcp(data.path())).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_format_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("kv.redb");
    let database = redb::Database::create(&path).unwrap();
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(meta)
        .unwrap()
        .insert("format", 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Server::start(on_tcp(data.path())).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NewerFormat {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Server::start(on_tcp(file.path())).await.unwrap_err();
    assert!(matches!(error, Error::Folder { .. }), "{error:?}");
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn requests_above_etcds_limit_get_etcds_error() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let mut kv = KvClient::new(channel);
    let fits = 1536 * 1024 - 64;
    kv.put(put("k", vec![b'x'; fits])).await.unwrap();
    let status = kv.put(put("k", vec![b'x'; fits + 64])).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "etcdserver: request is too large");
    let status = kv.put(put("k", vec![b'x'; 3 << 20])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    server.shutdown().await;
}

#[tokio::test]
async fn a_range_larger_than_any_request_is_answered_whole() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let mut kv = KvClient::new(channel).max_decoding_message_size(usize::MAX);
    for number in 0..8 {
        kv.put(put(&format!("k{number}"), vec![b'x'; 1 << 20]))
            .await
            .unwrap();
    }
    let all = RangeRequest {
        key: vec![0],
        range_end: vec![0],
        ..Default::default()
    };
    let reply = kv.range(all).await.unwrap().into_inner();
    assert_eq!(
        reply.kvs.iter().map(|kv| kv.value.len()).sum::<usize>(),
        8 << 20
    );
    server.shutdown().await;
}

fn puts(count: usize) -> Vec<RequestOp> {
    let op = |n: usize| RequestOp {
        request: Some(Request::RequestPut(put(&format!("k{n}"), "v"))),
    };
    (0..count).map(op).collect()
}

#[tokio::test]
async fn a_transaction_may_have_128_operations_and_nested_ones_what_is_left() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let mut kv = KvClient::new(channel);
    let flat = |count| TxnRequest {
        success: puts(count),
        ..Default::default()
    };
    let nested = |count| TxnRequest {
        failure: vec![RequestOp {
            request: Some(Request::RequestTxn(flat(count))),
        }],
        ..Default::default()
    };
    kv.txn(flat(128)).await.unwrap();
    kv.txn(nested(127)).await.unwrap();
    for request in [flat(129), nested(128)] {
        let status = kv.txn(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            status.message(),
            "etcdserver: too many operations in txn request"
        );
    }
    server.shutdown().await;
}

#[tokio::test]
async fn the_keys_of_a_lease_go_when_its_time_is_over_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let grant = LeaseGrantRequest { id: 7, ttl: 2 };
    LeaseClient::new(channel.clone())
        .lease_grant(grant)
        .await
        .unwrap();
    let leased = PutRequest {
        lease: 7,
        ..put("k", "v")
    };
    KvClient::new(channel).put(leased).await.unwrap();
    server.shutdown().await;

    let (server, channel) = start(on_tcp(data.path())).await;
    let mut lease = LeaseClient::new(channel.clone());
    let look = LeaseTimeToLiveRequest { id: 7, keys: true };
    let found = lease.lease_time_to_live(look).await.unwrap().into_inner();
    assert_eq!((found.granted_ttl, found.keys), (2, vec![b"k".to_vec()]));
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let beat = tokio_stream::iter([
        LeaseKeepAliveRequest { id: 7 },
        LeaseKeepAliveRequest { id: 8 },
    ]);
    let beats = lease.lease_keep_alive(beat).await.unwrap().into_inner();
    let beats: Vec<_> = beats.map(|beat| beat.unwrap().ttl).collect().await;
    assert_eq!(beats, [2, 0]);
    tokio::time::sleep(Duration::from_millis(1400)).await;
    let mut kv = KvClient::new(channel);
    assert_eq!(
        kv.range(get("k")).await.unwrap().into_inner().count,
        1,
        "kept alive"
    );
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(kv.range(get("k")).await.unwrap().into_inner().count, 0);
    assert_eq!(
        lease
            .lease_time_to_live(look)
            .await
            .unwrap()
            .into_inner()
            .ttl,
        -1
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_history_is_compacted_by_itself_and_the_file_stays_small() {
    let data = tempfile::tempdir().unwrap();
    let history = History {
        revisions: 100,
        age: Duration::ZERO,
    };
    let (server, channel) = start(Config {
        history,
        ..on_tcp(data.path())
    })
    .await;
    let writers = (0..32).map(|client| {
        let mut kv = KvClient::new(channel.clone());
        tokio::spawn(async move {
            for number in 0..200 {
                let key = format!("{client}/{}", number % 2);
                kv.put(put(&key, vec![b'x'; 4000])).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut kv = KvClient::new(channel.clone());
    let past = |revision| RangeRequest {
        revision,
        ..get("0/0")
    };
    kv.range(past(server.revision() - 100)).await.unwrap();
    let status = kv.range(past(server.revision() - 1500)).await.unwrap_err();
    assert_eq!(
        status.message(),
        "etcdserver: mvcc: required revision has been compacted"
    );
    let status = MaintenanceClient::new(channel)
        .status(StatusRequest {})
        .await
        .unwrap();
    let size = status.into_inner().db_size;
    // 6,400 puts of 4 kB are 26 MB.
    assert!(size < 12_000_000, "{size}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_silent_watch_is_told_of_progress() {
    let data = tempfile::tempdir().unwrap();
    let progress_interval = Duration::from_millis(50);
    let (server, channel) = start(Config {
        progress_interval,
        ..on_tcp(data.path())
    })
    .await;
    KvClient::new(channel.clone())
        .put(put("other", "v"))
        .await
        .unwrap();
    let create = |progress_notify| {
        let key = b"k".to_vec();
        let create = WatchCreateRequest {
            key,
            progress_notify,
            ..Default::default()
        };
        WatchRequest {
            request_union: Some(RequestUnion::CreateRequest(create)),
        }
    };
    let progress = RequestUnion::ProgressRequest(WatchProgressRequest {});
    let progress = WatchRequest {
        request_union: Some(progress),
    };
    let requests = tokio_stream::iter([create(false), create(true), progress]);
    let mut watch = WatchClient::new(channel)
        .watch(requests)
        .await
        .unwrap()
        .into_inner();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = watch.message().await.unwrap().unwrap();
        seen.push((
            response.watch_id,
            response.created,
            response.header.unwrap().revision,
        ));
    }
    assert_eq!(
        seen,
        [(0, true, 2), (1, true, 2), (-1, false, 2), (1, false, 2)]
    );
    server.shutdown().await;
}

#[tokio::test]
async fn shutting_down_ends_open_watches() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let create = WatchCreateRequest {
        key: b"k".to_vec(),
        ..Default::default()
    };
    let create = WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(create)),
    };
    let requests = tokio_stream::iter([create]).chain(tokio_stream::pending());
    let mut watch = WatchClient::new(channel)
        .watch(requests)
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().unwrap();
    tokio::time::timeout(Duration::from_secs(4), server.shutdown())
        .await
        .unwrap();
    assert!(!matches!(watch.message().await, Ok(Some(_))));
}

#[tokio::test]
async fn connections_are_kept_alive_with_http2_pings() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(on_tcp(data.path())).await.unwrap();
    let channel = Endpoint::from_shared(format!("http://{}", server.addresses()[0]))
        .unwrap()
        .http2_keep_alive_interval(Duration::from_millis(20))
        .keep_alive_timeout(Duration::from_millis(500))
        .keep_alive_while_idle(true)
        .connect()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // A connection that pings were not answered on would be gone.
    KvClient::new(channel).put(put("k", "v")).await.unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn small_replies_do_not_wait_for_delayed_acknowledgements() {
    let data = tempfile::tempdir().unwrap();
    let (server, channel) = start(on_tcp(data.path())).await;
    let mut kv = KvClient::new(channel);
    let begin = std::time::Instant::now();
    for _ in 0..50 {
        kv.range(get("k")).await.unwrap();
    }
    // Each would take 40 ms.
    assert!(
        begin.elapsed() < Duration::from_millis(1500),
        "{:?}",
        begin.elapsed()
    );
    server.shutdown().await;
}
