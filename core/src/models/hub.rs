//! Models fetched from the hub. In: a card and where the hub and its cache are. Out: the folder of a complete copy.
//!
//! hf-hub gives the layout (cache folders, links, addresses); the transfer is our own, because hf-hub 0.5 checks no
//! digest, cannot be cancelled, takes any answer for a resumed one and any etag for a file name. This file is the only
//! one that uses the network, and only in [`download`]; it knows nothing of what is in the files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::{Cache, CacheRepo, Repo, RepoType};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::registry::Card;
use crate::error::{Error, Result};
use crate::jobs::Ticker;

mod remote;
mod transfer;

use remote::{Remote, announced, is_hex};

/// The hub that is used unless HF_ENDPOINT names another.
const ENDPOINT: &str = "https://huggingface.co";
/// How long the hub may be silent before a transfer counts as cut.
const SILENCE: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: u32 = 8;

/// Where models come from and where their copies are kept.
#[derive(Debug)]
pub struct Hub {
    endpoint: String,
    cache: Cache,
    token: Option<String>,
    is_offline: bool,
    agent: Agent,
}

impl Hub {
    /// A hub at `endpoint` (scheme, host and port) whose copies are in `cache`: no token, no proxy.
    pub fn at(endpoint: &str, cache: &Path) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache: Cache::new(cache.to_owned()),
            token: None,
            is_offline: false,
            agent: agent(None),
        }
    }

    /// The hub and the cache that the environment names, as the hub's own programs read it: HF_ENDPOINT, HF_HOME,
    /// HF_HUB_CACHE, HF_HUB_OFFLINE, HF_TOKEN, and the proxy variables.
    ///
    /// # Errors
    /// A system without a home folder, when nothing else says where the cache is.
    pub fn from_env() -> Result<Self> {
        let hub = Self::from_vars(|name| std::env::var_os(name).filter(|value| !value.is_empty()))?;
        Ok(Self { agent: agent(ureq::Proxy::try_from_env()), ..hub })
    }

    fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |name| var(name).and_then(|value| value.into_string().ok());
        let home = var("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(var("XDG_CACHE_HOME")?).join("huggingface")));
        let home =
            home.or_else(|| Some(std::env::home_dir()?.join(".cache").join("huggingface"))).ok_or_else(no_home)?;
        let cache = var("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let token = text("HF_TOKEN").or_else(|| Cache::new(home.join("hub")).token());
        let is_true = |value: String| ["1", "on", "yes", "true"].contains(&value.to_lowercase().as_str());
        let is_offline = text("HF_HUB_OFFLINE").is_some_and(is_true);
        Ok(Self { token, is_offline, ..Self::at(&endpoint, &cache) })
    }

    /// The same hub, which only finds what is there.
    #[must_use]
    pub fn offline(self) -> Self {
        Self { is_offline: true, ..self }
    }

    /// The same hub, asked with a token: for models that want consent.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    fn repo(&self, card: &Card) -> CacheRepo {
        self.cache.repo(repo(card, &card.revision))
    }

    fn request(&self, request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> Result<Response<Body>> {
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        request.call().map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        failed(
            format!("the hub at {} cannot be reached ({error})", self.endpoint),
            "check the network and the proxy, then try again; models that are on this machine work without it",
        )
    }
}

fn no_home() -> Error {
    Error::bad_request("this system names no home folder to keep models in", "set HF_HOME to a folder")
}

/// Redirects of a transfer carry the token only to the hub itself; the hub sends large files from another host.
fn agent(proxy: Option<ureq::Proxy>) -> Agent {
    let config = Agent::config_builder()
        .proxy(proxy)
        .user_agent(concat!("sightline/", env!("CARGO_PKG_VERSION")))
        // Compressed answers would have neither the size nor the ranges of the file.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE));
    config.build().into()
}

fn repo(card: &Card, revision: &str) -> Repo {
    Repo::with_revision(card.repository.clone(), RepoType::Model, revision.to_owned())
}

fn failed(what: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::Download { what: what.into(), remedy: remedy.into() }
}

/// The folder of the copy of `card` that is on this machine, if it is complete.
pub fn find(card: &Card, hub: &Hub) -> Option<PathBuf> {
    let is_commit = is_hex(&card.revision, 40);
    let reference = hub.cache.path().join(repo(card, "").folder_name()).join("refs").join(&card.revision);
    let commit = fs_err::read_to_string(reference).ok();
    let commit = commit.or_else(|| is_commit.then(|| card.revision.clone()))?;
    let commit = commit.trim();
    if !is_hex(commit, 40) {
        return None;
    }
    let folder = hub.repo(card).pointer_path(commit);
    let has = |name: &String| folder.join(name).is_file();
    (card.files.iter().all(has) && card.weights.iter().any(has)).then_some(folder)
}

/// Removes the copy of `card` from this machine; other models of the cache stay. Removing what is not there is no error.
///
/// # Errors
/// A file that cannot be removed.
pub fn remove(card: &Card, hub: &Hub) -> Result<()> {
    while let Some(folder) = find(card, hub) {
        for pointer in card.names().map(|name| folder.join(name)).filter(|pointer| pointer.is_file()) {
            let blob = fs_err::canonicalize(&pointer)?;
            fs_err::remove_file(&pointer)?;
            if blob.is_file() {
                fs_err::remove_file(blob)?;
            }
        }
    }
    Ok(())
}

/// Brings a complete copy of `card` to this machine and gives its folder. What is there already is checked and kept; a
/// transfer that was cut or cancelled goes on where it stopped, now or the next time.
///
/// # Errors
/// [`Error::Download`] when the hub cannot be reached, lacks a file, or sends one that is not what it announced (which
/// is then removed); [`Error::Cancelled`]; [`Error::DiskFull`].
pub fn download(card: &Card, hub: &Hub, ticker: &Ticker) -> Result<PathBuf> {
    if hub.is_offline {
        return find(card, hub).ok_or_else(|| offline(card));
    }
    ticker.phase("Asking the hub");
    let files = listing(card, hub, ticker)?;
    ticker.phase("Downloading");
    ticker.expect(files.iter().map(|file| file.bytes as usize).sum());
    for file in &files {
        transfer::fetch(card, hub, file, ticker)?;
    }
    let commit = files.first().map_or("", |file| &file.commit);
    // Last, because the reference is what makes the copy count as complete.
    hub.repo(card).create_ref(commit)?;
    Ok(hub.repo(card).pointer_path(commit))
}

fn offline(card: &Card) -> Error {
    failed(
        format!("{:?} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it", card.id),
        format!("unset HF_HUB_OFFLINE, or copy the files of {} here and use `sightline models add`", card.repository),
    )
}

/// Every file that one copy needs, all of the commit at which the first one was found.
fn listing(card: &Card, hub: &Hub, ticker: &Ticker) -> Result<Vec<Remote>> {
    let mut files = Vec::<Remote>::new();
    let needed = card.files.iter().map(|name| (std::slice::from_ref(name), true));
    let weights = std::iter::once((card.weights.as_slice(), true));
    let optional = card.optional.iter().map(|name| (std::slice::from_ref(name), false));
    for (names, is_needed) in needed.chain(weights).chain(optional) {
        ticker.check()?;
        let revision = files.first().map_or(card.revision.as_str(), |file| &file.commit).to_owned();
        match first_of(names, card, hub, &revision)? {
            Some(file) => files.push(file),
            None if is_needed => return Err(missing(names, card)),
            None => {}
        }
    }
    Ok(files)
}

fn first_of(names: &[String], card: &Card, hub: &Hub, revision: &str) -> Result<Option<Remote>> {
    for name in names {
        let announced = announced(name, card, hub, revision)?;
        if announced.is_some() {
            return Ok(announced);
        }
    }
    Ok(None)
}

fn missing(names: &[String], card: &Card) -> Error {
    failed(
        format!("the hub has no {} in {} at revision {:?}", names.join(" or "), card.repository, card.revision),
        "update Sightline, or fetch the model by other means and use `sightline models add`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &[(&str, &str)], cache: &str, endpoint: &str, is_offline: bool) {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let hub = Hub::from_vars(var).unwrap();
        assert_eq!((hub.cache.path().as_path(), hub.endpoint.as_str()), (Path::new(cache), endpoint));
        assert_eq!(hub.is_offline, is_offline);
    }

    #[test]
    fn the_environment_names_the_cache_the_hub_and_whether_it_may_be_asked() {
        check(&[("HF_HOME", "/h")], "/h/hub", ENDPOINT, false);
        check(&[("XDG_CACHE_HOME", "/c"), ("HF_HUB_OFFLINE", "0")], "/c/huggingface/hub", ENDPOINT, false);
        check(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/k"), ("HF_HUB_OFFLINE", "True")], "/k", ENDPOINT, true);
        check(&[("HF_HOME", "/h"), ("HF_ENDPOINT", "http://m:1/")], "/h/hub", "http://m:1", false);
    }
}
