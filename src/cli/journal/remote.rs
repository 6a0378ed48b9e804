//! A journal read over HTTP, from a running sidecar or from any server of tlog-tiles.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use sekisho_journal::tile::WIDTH;
use sekisho_journal::{
    CHECKPOINT, KEYS, MANIFESTS, SEGMENTS, Store, bundle_path, segment_first, segment_path, unbundle,
};

use crate::cli::wire;

/// The journal as it was at the checkpoint that was read first. Each entry bundle stands for a segment of 256 entries.
pub(super) struct RemoteStore {
    base: String,
    keys: Option<Vec<u8>>,
    note: Option<Vec<u8>>,
    size: u64,
    /// The first entry that is left.
    first: u64,
}

impl RemoteStore {
    /// The journal at `http://HOST:PORT` of an admin API, or at another URL that has `checkpoint` and `tile/` below it.
    pub(super) fn open(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let base = url.trim_end_matches('/');
        let base = if uri.path() == "/" { format!("{base}/v1/journal") } else { base.to_owned() };
        // Before the checkpoint, which may not be older than they are.
        let keys = fetch(&format!("{base}/{KEYS}"))?;
        let note = fetch(&format!("{base}/{CHECKPOINT}"))?;
        // What it says is checked by whoever verifies; here it tells what to ask for.
        let text = String::from_utf8_lossy(note.as_deref().unwrap_or_default()).into_owned();
        let size = text.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        let mut store = Self { base, keys, note, size, first: 0 };
        store.first = store.first_left()?;
        Ok(store)
    }

    /// The beginning may have been pruned, whole bundles of it: the first that is there, by halving. The last is always there.
    fn first_left(&self) -> Result<u64, String> {
        let is_there = |bundle: u64| self.entries(bundle * WIDTH as u64).map(|entries| entries.is_some());
        let (mut gone, mut there) = (0, self.size.saturating_sub(1) / WIDTH as u64);
        if there == 0 || is_there(0)? {
            return Ok(0);
        }
        while there - gone > 1 {
            let middle = gone + (there - gone) / 2;
            if is_there(middle)? {
                there = middle;
            } else {
                gone = middle;
            }
        }
        Ok(there * WIDTH as u64)
    }

    fn entries(&self, first: u64) -> Result<Option<Vec<u8>>, String> {
        let width = self.size.saturating_sub(first).min(WIDTH as u64);
        let width = usize::try_from(width).unwrap_or(WIDTH);
        let path = bundle_path(first / WIDTH as u64, width);
        let Some(bytes) = fetch(&format!("{}/{path}", self.base))? else { return Ok(None) };
        let lines = unbundle(&bytes, width).ok_or_else(|| format!("{path}: not a bundle of {width} entries"))?;
        Ok(Some(lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect()))
    }
}

impl Store for RemoteStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if path == CHECKPOINT {
            return Ok(self.note.clone());
        }
        if path == KEYS {
            return Ok(self.keys.clone());
        }
        if path.starts_with(MANIFESTS) {
            return Ok(None);
        }
        let segment = path.strip_prefix(SEGMENTS).and_then(|name| segment_first(name.trim_start_matches('/')));
        match segment {
            Some(first) => self.entries(first),
            None => fetch(&format!("{}/{path}", self.base)),
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let firsts = (self.first..self.size).step_by(WIDTH).filter(|_| dir == SEGMENTS);
        Ok(firsts.map(|first| segment_path(first).split_off(SEGMENTS.len() + 1)).collect())
    }
}

/// What is at a URL; `None` if nothing is.
pub(super) fn fetch(url: &str) -> Result<Option<Vec<u8>>, String> {
    let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
    let host = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or_else(|| format!("`{url}`: expected http://HOST:PORT/..."))?.as_str();
    let address = if uri.port().is_some() { host.to_owned() } else { format!("{host}:80") };
    let request = Request::builder().uri(uri.path()).header(HOST, host).body(Full::new(Bytes::new()));
    let request = request.map_err(|error| format!("`{url}`: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, wire::send(&address, request)).await });
    let response = answered.map_err(|_elapsed| format!("`{url}`: no answer in time"))?;
    let response = response.map_err(|error| format!("`{url}`: {error}"))?;
    match response.status() {
        StatusCode::OK => Ok(Some(response.into_body().to_vec())),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(format!("`{url}`: {status}")),
    }
}

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(30);
