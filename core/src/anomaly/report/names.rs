//! What the files of a part are called. In: the parts' paths. Out: a name each, none twice. Touches no file.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// The file's own name without its ending where no two share it; else with the folders below the one that all are in; with
/// its ending where even then two are alike. `/` stands between folders.
pub fn part_names(paths: &[PathBuf]) -> Vec<String> {
    let stems: Vec<String> = paths.iter().map(|path| text(path.file_stem().map(Path::new))).collect();
    if are_distinct(&stems) {
        return stems;
    }
    let shared = shared_folder(paths);
    let inner = |path: &PathBuf| without(path, shared);
    let relative: Vec<String> = paths.iter().map(|path| text(Some(&inner(path).with_extension("")))).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    relative.iter().for_each(|name| *counts.entry(name).or_default() += 1);
    let mut taken: HashMap<String, usize> = HashMap::new();
    let with_ending = paths.iter().zip(&relative).map(|(path, name)| match counts[name.as_str()] {
        1 => name.clone(),
        _ => text(Some(&inner(path))),
    });
    // The same file given twice, or names that are alike once they are text.
    let numbered = with_ending.map(|name| {
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name} {count}") }
    });
    numbered.collect()
}

fn are_distinct(names: &[String]) -> bool {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// How many components all folders share.
fn shared_folder(paths: &[PathBuf]) -> usize {
    let folder = |path: &PathBuf| path.parent().map_or(0, |parent| parent.components().count());
    let Some(first) = paths.first() else { return 0 };
    let alike = |other: &PathBuf| first.components().zip(other.components()).take_while(|(a, b)| a == b).count();
    paths.iter().map(|path| alike(path).min(folder(path))).min().unwrap_or(0)
}

fn without(path: &Path, components: usize) -> PathBuf {
    // Only plain names: nothing leads out of the folder.
    path.components().skip(components).filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn text(path: Option<&Path>) -> String {
    let parts = path.map(|path| path.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>());
    let name = parts.unwrap_or_default().join("/");
    if name.is_empty() { "part".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(paths: &[&str], expected: &[&str]) {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        assert_eq!(part_names(&paths), expected);
    }

    #[test]
    fn a_part_keeps_its_own_name() {
        check(&["/a/000.png", "/a/001.jpg"], &["000", "001"]);
        check(&["/a/good/000.png", "/a/bad/001.png"], &["000", "001"]);
        check(&[], &[]);
    }

    #[test]
    fn names_that_two_share_get_their_folders_and_then_their_endings() {
        check(&["/a/good/000.png", "/a/bad/000.png"], &["good/000", "bad/000"]);
        check(&["/a/000.png", "/a/000.jpg", "/a/001.jpg"], &["000.png", "000.jpg", "001"]);
        check(&["/a/x.png", "/a/x.png"], &["x.png", "x.png 2"]);
        check(&["../x.png", "x.png"], &["x.png", "x.png 2"]);
    }
}
