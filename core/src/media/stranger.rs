//! Is a file in a photo folder a picture at all? In: a path. Out: nothing for a picture, else what it is instead. Opens a
//! file only where its name does not say, and reads no more than its beginning.

use std::io::Read as _;
use std::path::Path;

use super::formats::{Source, extension, is_picture_path, recognised};
use crate::error::plain;

/// So much of a file tells what it is.
const HEAD: usize = 512;

/// What lies beside photos and never holds one: cameras' side files, films, sound, documents.
const OTHERS: &[&str] = &[
    "aae", "avi", "csv", "db", "doc", "docx", "html", "ini", "json", "log", "lrv", "m4a", "m4v", "md", "mkv", "mov",
    "mp3", "mp4", "mpg", "mts", "pdf", "rtf", "thm", "toml", "tsv", "txt", "wav", "xml", "xmp", "zip",
];

/// Why a scan leaves a file alone; `None` for what is called like a picture or begins like one.
pub fn stranger(path: &Path) -> Option<String> {
    if is_picture_path(path) {
        return None;
    }
    if OTHERS.contains(&extension(path).as_str()) {
        return Some("no picture by its name".to_owned());
    }
    // A file that cannot be read is no picture that anyone could see; it is named all the same.
    let head = match head(path) {
        Ok(head) => head,
        Err(error) => return Some(format!("no picture by its name, and it cannot be read ({})", plain(&error))),
    };
    // Without an extension, so that only the content counts.
    recognised(&Source { bytes: &head, extension: "" }).err().map(|refusal| refusal.what)
}

fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    // A pipe would be waited for: only regular files are opened.
    if std::fs::metadata(path)?.is_file() {
        fs_err::File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, content: &[u8], expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs_err::write(&path, content).unwrap();
        assert_eq!(stranger(&path).as_deref(), expected);
    }

    #[test]
    fn a_picture_without_an_extension_is_a_picture() {
        check("scan0001", b"\x89PNG\r\n\x1a\n", None);
        check("photo.backup", b"\xff\xd8\xff\xe0", None);
    }

    #[test]
    fn a_picture_by_name_is_not_opened() {
        check("empty.jpg", b"", None);
    }

    #[test]
    fn a_stranger_is_called_what_it_is() {
        check("poster.psd", b"8BPS\0\x01", Some("this is a Photoshop document"));
        check("notes.txt", b"\xff\xd8\xff\xe0", Some("no picture by its name"));
        check("LICENSE", b"Permission is hereby granted", Some("this is not a picture that Sightline knows"));
    }
}
