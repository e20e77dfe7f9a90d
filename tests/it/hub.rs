//! Downloads against a small hub on loopback. In: what the hub has and how it misbehaves. Out: what lies in the cache.
//!
//! The hub answers as the real one does: HEAD and GET under /OWNER/NAME/resolve/REVISION/FILE, commit and digest in
//! headers, a redirect to the content of large files, ranges.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::Digest as _;
use sightline_core::Error;
use sightline_core::jobs::Ticker;
use sightline_core::models::{Card, Hub, download, find, remove};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CONFIG: &str = r#"{"model_type":"clip"}"#;
/// `printf '{"model_type":"clip"}' | git hash-object --stdin`
const CONFIG_DIGEST: &str = "f2484fdc5c224002b0b57218c65e7e434fe8d4f3";

/// What the hub does wrong.
#[derive(Default)]
struct Faults {
    /// Bytes after which the transfers of the weights are cut, one for each transfer; none left: not cut.
    cuts: Mutex<VecDeque<usize>>,
    /// Everything but the content stays away after the first cut.
    is_gone: AtomicBool,
    /// The content is changed on its way.
    is_tampered: AtomicBool,
    knows_no_ranges: bool,
    lacks_weights: bool,
    states_no_digest: bool,
}

struct TestHub {
    address: SocketAddr,
    is_done: Arc<AtomicBool>,
    faults: Arc<Faults>,
    /// Method, path and range of every request.
    requests: Arc<Mutex<Vec<String>>>,
    server: Option<JoinHandle<()>>,
    cache: tempfile::TempDir,
}

impl TestHub {
    fn new(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (is_done, faults) = (Arc::new(AtomicBool::new(false)), Arc::new(faults));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let theirs = (Arc::clone(&is_done), Arc::clone(&faults), Arc::clone(&requests));
        let serve = move || {
            for stream in listener.incoming().take_while(|_| !theirs.0.load(Ordering::SeqCst)) {
                // A client that goes away in the middle is what some tests are about.
                answer(stream.unwrap(), &theirs.1, &theirs.2).ok();
            }
        };
        let server = std::thread::Builder::new().name("test hub".to_owned()).spawn(serve).unwrap();
        Self { address, is_done, faults, requests, server: Some(server), cache: tempfile::tempdir().unwrap() }
    }

    fn hub(&self) -> Hub {
        Hub::at(&format!("http://{}", self.address), self.cache.path())
    }

    fn ranges(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter_map(|request| request.strip_prefix("GET /content ")).map(str::to_owned).collect()
    }

    fn leftovers(&self, extension: &str) -> Vec<PathBuf> {
        let blobs = self.cache.path().join("models--someone--model").join("blobs");
        let all = fs_err::read_dir(blobs).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::SeqCst);
        // Wakes the server, which then sees that it is done.
        TcpStream::connect(self.address).ok();
        if let Some(server) = self.server.take() {
            server.join().ok();
        }
    }
}

fn weights() -> Vec<u8> {
    (0..1_500_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn answer(mut stream: TcpStream, faults: &Faults, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let head: Vec<String> =
        BufReader::new(&stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
    let mut words = head.first().map_or("", String::as_str).split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let range = head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: ").map(str::to_owned));
    requests.lock().unwrap().push(format!("{method} {path} {}", range.as_deref().unwrap_or("whole")));
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse().ok());
    match path.rsplit('/').next().unwrap_or_default() {
        _ if faults.is_gone.load(Ordering::SeqCst) => respond(&mut stream, "503 Gone for Tea", "", b""),
        "config.json" if path.starts_with("/api/") => small(&mut stream, method),
        "config.json" => respond(&mut stream, "307 Temporary Redirect", &cached_elsewhere(), b""),
        "model.safetensors" if !faults.lacks_weights => redirect(&mut stream, faults),
        "content" => content(&mut stream, faults, start.filter(|_| !faults.knows_no_ranges)),
        _ => respond(&mut stream, "404 Not Found", "x-error-code: EntryNotFound\r\n", b""),
    }
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n")?;
    stream.write_all(body)
}

/// Small files: the hub redirects to itself, and only the first answer names the commit.
fn cached_elsewhere() -> String {
    format!("location: /api/resolve-cache/config.json\r\netag: \"{CONFIG_DIGEST}\"\r\nx-repo-commit: {COMMIT}\r\n")
}

fn small(stream: &mut TcpStream, method: &str) -> std::io::Result<()> {
    let length = CONFIG.len();
    write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n")?;
    write!(stream, "etag: W/\"{CONFIG_DIGEST}\"\r\n\r\n")?;
    stream.write_all(if method == "HEAD" { b"" } else { CONFIG.as_bytes() })
}

/// Large files: what they are in the headers, where they are in the redirect.
fn redirect(stream: &mut TcpStream, faults: &Faults) -> std::io::Result<()> {
    let digest = sha2::Sha256::digest(weights()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let digest = if faults.states_no_digest { "../../escape".to_owned() } else { digest };
    let (size, port) = (weights().len(), stream.local_addr()?.port());
    let stated = format!("x-linked-etag: \"{digest}\"\r\nx-linked-size: {size}\r\nx-repo-commit: {COMMIT}\r\n");
    let to = format!("location: http://127.0.0.1:{port}/content\r\n");
    respond(stream, "302 Found", &format!("etag: \"of the redirect\"\r\n{stated}{to}"), b"")
}

fn content(stream: &mut TcpStream, faults: &Faults, start: Option<usize>) -> std::io::Result<()> {
    let mut bytes = weights();
    bytes[1_000_000] ^= u8::from(faults.is_tampered.load(Ordering::SeqCst));
    let (from, total) = (start.unwrap_or(0), bytes.len());
    let status = if start.is_some() { "206 Partial Content" } else { "200 OK" };
    let range = format!("content-range: bytes {from}-{}/{total}\r\n", total - 1);
    let left = total - from;
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {left}\r\n{range}\r\n")?;
    let cut = faults.cuts.lock().unwrap().pop_front();
    if cut == Some(0) {
        faults.is_gone.store(true, Ordering::SeqCst);
    }
    stream.write_all(&bytes[from..cut.map_or(total, |after| from + after)])
}

fn card() -> Card {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Card {
        id: "model".to_owned(),
        family: "clip".to_owned(),
        repository: "someone/model".to_owned(),
        revision: "main".to_owned(),
        files: names(&["config.json"]),
        optional: names(&["tokenizer.json"]),
        weights: names(&["model.safetensors", "pytorch_model.bin"]),
        bytes: 1_500_000,
        licence: "MIT".to_owned(),
        input_size: 224,
        dim: 512,
        templates: Vec::new(),
        languages: Vec::new(),
        good_at: "tests".to_owned(),
        quality: None,
    }
}

#[track_caller]
fn check_complete(test: &TestHub, folder: &Path) {
    assert_eq!(fs_err::read_to_string(folder.join("config.json")).unwrap(), CONFIG);
    assert_eq!(fs_err::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(find(&card(), &test.hub()).as_deref(), Some(folder));
    assert_eq!(test.leftovers("part"), Vec::<PathBuf>::new());
}

#[track_caller]
fn check_refused(test: &TestHub, hub: &Hub, expected: &[&str]) {
    let error = download(&card(), hub, &Ticker::silent()).unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error:?}");
    let text = error.to_string();
    assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    assert_eq!(find(&card(), &test.hub()), None);
}

#[test]
fn a_whole_download_is_found_and_not_repeated() {
    let test = TestHub::new(Faults::default());
    let ticker = Ticker::silent();
    let folder = download(&card(), &test.hub(), &ticker).unwrap();
    check_complete(&test, &folder);
    let progress = ticker.progress();
    assert_eq!((progress.phase, progress.done), ("Downloading", 1_500_000 + CONFIG.len() as u64));
    assert_eq!(progress.done, progress.total);
    assert_eq!(download(&card(), &test.hub(), &Ticker::silent()).unwrap(), folder);
    assert_eq!(test.ranges(), ["bytes=0-"], "the second run fetches nothing");
}

#[test]
fn a_cut_transfer_goes_on_in_the_same_run() {
    let test = TestHub::new(Faults { cuts: Mutex::new([700_000, 300_000].into()), ..Faults::default() });
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
    assert_eq!(test.ranges(), ["bytes=0-", "bytes=700000-", "bytes=1000000-"]);
}

#[test]
fn a_transfer_that_stays_cut_goes_on_the_next_time() {
    let test = TestHub::new(Faults { cuts: Mutex::new([700_000, 0].into()), ..Faults::default() });
    check_refused(&test, &test.hub(), &["model.safetensors", "700000 of 1500000", "goes on where it stopped"]);
    assert_eq!(test.leftovers("part").len(), 1);
    test.faults.is_gone.store(false, Ordering::SeqCst);
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
    assert_eq!(test.ranges().last().unwrap(), "bytes=700000-");
}

#[test]
fn a_server_without_ranges_is_read_from_the_start_and_not_appended() {
    let cuts = Mutex::new([700_000].into());
    let test = TestHub::new(Faults { cuts, knows_no_ranges: true, ..Faults::default() });
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
}

#[test]
fn a_file_with_a_wrong_digest_is_refused_and_removed() {
    let test = TestHub::new(Faults { is_tampered: true.into(), ..Faults::default() });
    check_refused(&test, &test.hub(), &["model.safetensors", "someone/model", "wrong digest", "was removed"]);
    assert_eq!(test.leftovers("part"), Vec::<PathBuf>::new());
    test.faults.is_tampered.store(false, Ordering::SeqCst);
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
}

#[test]
fn a_file_that_changed_on_the_disk_is_fetched_again() {
    let test = TestHub::new(Faults::default());
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    let blob = fs_err::canonicalize(folder.join("model.safetensors")).unwrap();
    fs_err::write(&blob, "damaged").unwrap();
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
}

#[test]
fn a_digest_that_is_none_never_becomes_a_file_name() {
    let test = TestHub::new(Faults { states_no_digest: true, ..Faults::default() });
    check_refused(&test, &test.hub(), &["does not state the digest", "model.safetensors"]);
}

#[test]
fn a_file_that_the_hub_lacks_is_named_with_its_repository() {
    let test = TestHub::new(Faults { lacks_weights: true, ..Faults::default() });
    check_refused(&test, &test.hub(), &["model.safetensors or pytorch_model.bin", "someone/model", "\"main\""]);
}

#[test]
fn offline_finds_what_is_there_and_says_why_it_fetches_nothing() {
    let test = TestHub::new(Faults::default());
    check_refused(&test, &test.hub().offline(), &["HF_HUB_OFFLINE", "models add"]);
    assert!(test.requests.lock().unwrap().is_empty(), "offline asks nobody");
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    assert_eq!(download(&card(), &test.hub().offline(), &Ticker::silent()).unwrap(), folder);
}

#[test]
fn without_a_network_the_text_says_what_to_do() {
    let test = TestHub::new(Faults::default());
    // A port that was free a moment ago and that nobody listens on.
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hub = Hub::at(&format!("http://{unused}"), test.cache.path());
    check_refused(&test, &hub, &["cannot be reached", "check the network"]);
}

#[test]
fn a_cancelled_download_keeps_what_it_has() {
    let test = TestHub::new(Faults::default());
    let stop = Arc::new(OnceLock::<Ticker>::new());
    let watched = Arc::clone(&stop);
    let ticker = Ticker::waking(Arc::new(move || {
        if let Some(ticker) = watched.get().filter(|ticker| ticker.progress().done > 100_000) {
            ticker.cancel();
        }
    }));
    stop.set(ticker.clone()).ok();
    let error = download(&card(), &test.hub(), &ticker).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    let part = test.leftovers("part").pop().unwrap();
    let kept = fs_err::metadata(part).unwrap().len();
    assert!((1..1_500_000).contains(&kept), "{kept} bytes kept");
    let folder = download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    check_complete(&test, &folder);
    assert_eq!(*test.ranges().last().unwrap(), format!("bytes={kept}-"));
}

#[test]
fn a_removed_model_is_gone() {
    let test = TestHub::new(Faults::default());
    download(&card(), &test.hub(), &Ticker::silent()).unwrap();
    remove(&card(), &test.hub()).unwrap();
    assert_eq!(find(&card(), &test.hub()), None);
    let left = fs_err::read_dir(test.cache.path().join("models--someone--model/blobs")).unwrap();
    assert!(left.map(|entry| entry.unwrap().path()).all(|path| path.extension().is_some_and(|end| end == "lock")));
    remove(&card(), &test.hub()).unwrap();
}
