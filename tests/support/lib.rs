//! What the tests across crates share. In: the environment. Out: where the measuring data are, or that they are not
//! there. Knows no test.

use std::path::PathBuf;

/// The folder of the measuring data, from SIGHTLINE_DATA. Where it is unset the test says that it was skipped and gets
/// `None`.
///
/// # Panics
/// Where SIGHTLINE_NO_SKIP is 1 and SIGHTLINE_DATA is unset or no folder: there nothing may be skipped.
#[allow(clippy::panic, clippy::print_stderr, reason = "a test that may not be skipped fails, one that may says so")]
pub fn data_dir() -> Option<PathBuf> {
    let folder = std::env::var_os("SIGHTLINE_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        let may_skip = std::env::var_os("SIGHTLINE_NO_SKIP").is_none_or(|value| value != "1");
        assert!(
            may_skip,
            "SIGHTLINE_DATA is not set to a folder, and SIGHTLINE_NO_SKIP=1 allows no test to be skipped"
        );
        eprintln!("skipped: SIGHTLINE_DATA is not set");
    }
    folder
}
