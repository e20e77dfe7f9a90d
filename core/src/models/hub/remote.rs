//! A file as the hub announces it. In: a name of a card. Out: commit, size and digest, and whether a file fits them.
//!
//! What the hub sends becomes a path only after it was found to be hexadecimal digits.

use std::io::Read;
use std::path::{Component, Path};

use sha2::Digest as _;
use ureq::Body;
use ureq::http::Response;

use super::{Hub, MAX_REDIRECTS, failed, repo};
use crate::error::{Error, Result};
use crate::jobs::Ticker;
use crate::models::Card;

/// A file as the hub announces it.
pub(super) struct Remote {
    pub(super) name: String,
    pub(super) commit: String,
    pub(super) digest: Digest,
    pub(super) bytes: u64,
}

/// What the hub says of one file; `None` when it has no such file.
pub(super) fn announced(name: &str, card: &Card, hub: &Hub, revision: &str) -> Result<Option<Remote>> {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::bad_request(
            format!("{name:?} is no name of a model's file"),
            "name files without .. and /",
        ));
    }
    let mut headers = Announcement::default();
    let mut next = Some(address(name, card, hub, revision));
    for _ in 0..MAX_REDIRECTS {
        let Some(here) = next.take() else { break };
        let request = hub.agent.head(&here).config().max_redirects(0).max_redirects_will_error(false).build();
        let response = hub.request(request)?;
        match response.status().as_u16() {
            404 => return Ok(None),
            200..400 => next = headers.read(&response, &here),
            status => return Err(refused(status, name, card)),
        }
    }
    headers.remote(name, card).map(Some)
}

/// Where the hub has a file of `card`.
pub(super) fn address(name: &str, card: &Card, hub: &Hub, revision: &str) -> String {
    let repo = repo(card, revision);
    format!("{}/{}/resolve/{}/{name}", hub.endpoint, repo.url(), repo.url_revision())
}

pub(super) fn refused(status: u16, name: &str, card: &Card) -> Error {
    let remedy = match status {
        401 | 403 => "if the model asks for consent, give it on the hub's page and set HF_TOKEN to your token",
        _ => "try again later; what is here already is kept",
    };
    failed(format!("the hub refuses {name} of {} (status {status})", card.repository), remedy)
}

#[derive(Default)]
struct Announcement {
    commit: Option<String>,
    etag: Option<String>,
    bytes: Option<u64>,
}

impl Announcement {
    /// Takes what this answer says. Gives the address to go on to when the hub redirects to itself; a redirect to
    /// another host leads to the content, whose headers say nothing of the repository.
    fn read(&mut self, response: &Response<Body>, url: &str) -> Option<String> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let is_redirect = response.status().is_redirection();
        let length = header("content-length").filter(|_| !is_redirect);
        self.commit = header("x-repo-commit").or(self.commit.take());
        self.etag = header("x-linked-etag").or_else(|| header("etag")).or(self.etag.take());
        self.bytes = header("x-linked-size").or(length).and_then(|size| size.parse().ok()).or(self.bytes);
        let location = header("location").filter(|to| is_redirect && to.starts_with('/') && !to.starts_with("//"))?;
        let host = url.find("://").map_or(0, |at| at + 3);
        let origin = url[host..].find('/').map_or(url, |path| &url[..host + path]);
        Some(format!("{origin}{location}"))
    }

    fn remote(self, name: &str, card: &Card) -> Result<Remote> {
        let silent = |what: &str| {
            failed(
                format!("the hub does not state {what} of {name} in {}, so it cannot be checked", card.repository),
                "see that HF_ENDPOINT names a hub, or fetch the model by other means and use `sightline models add`",
            )
        };
        let commit = self.commit.filter(|commit| is_hex(commit, 40)).ok_or_else(|| silent("the commit"))?;
        let digest = self.etag.as_deref().and_then(Digest::of_etag).ok_or_else(|| silent("the digest"))?;
        let bytes = self.bytes.ok_or_else(|| silent("the size"))?;
        Ok(Remote { name: name.to_owned(), commit, digest, bytes })
    }
}

pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the hub states of a file's content, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Digest {
    /// Of large files: sha256 of the content.
    Sha256(String),
    /// Of small files: git's id of a blob, sha1 of "blob LENGTH\0" and the content.
    GitBlob(String),
}

impl Digest {
    pub(super) fn of_etag(etag: &str) -> Option<Self> {
        let hex = etag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
        match hex.len() {
            64 if is_hex(&hex, 64) => Some(Self::Sha256(hex)),
            40 if is_hex(&hex, 40) => Some(Self::GitBlob(hex)),
            _ => None,
        }
    }

    pub(super) fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitBlob(hex) => hex,
        }
    }

    /// Whether the file at `path` is what the hub announced.
    pub(super) fn fits(&self, path: &Path, ticker: &Ticker) -> Result<bool> {
        let found = match self {
            Self::Sha256(_) => hashed(sha2::Sha256::new(), path, ticker)?,
            Self::GitBlob(_) => {
                let length = fs_err::metadata(path)?.len();
                hashed(sha1::Sha1::new_with_prefix(format!("blob {length}\0")), path, ticker)?
            }
        };
        Ok(found == self.hex())
    }
}

fn hashed<H: sha2::Digest>(mut hash: H, path: &Path, ticker: &Ticker) -> Result<String> {
    let mut file = fs_err::File::open(path)?;
    let mut chunk = vec![0; 1 << 20];
    loop {
        ticker.check()?;
        match file.read(&mut chunk)? {
            0 => break,
            read => hash.update(&chunk[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_a_digest_only_if_it_looks_like_one() {
        let sha1 = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(Digest::of_etag(&format!("W/\"{sha1}\"")), Some(Digest::GitBlob(sha1.to_owned())));
        assert_eq!(Digest::of_etag(&format!("\"{}\"", "AB".repeat(32))), Some(Digest::Sha256("ab".repeat(32))));
        assert_eq!(Digest::of_etag("../../../../etc/passwd/0123456789abcdef0"), None);
    }
}
