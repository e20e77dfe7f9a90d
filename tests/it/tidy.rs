//! The rules of the house, read off the sources: direction of the rooms, who may name what, sizes, heads, and paths of
//! one machine. In: the workspace's files. Out: every place that breaks a rule, as file and line.

use std::io;
use std::path::{Path, PathBuf};

/// Core's rooms in the order of the pipelines: a room uses those before it.
const ROOMS: [&str; 9] = ["error", "jobs", "media", "models", "index", "search", "anomaly", "library", "engine"];

/// What the library must not depend on: it has no window.
const GUI_CRATES: [&str; 6] = ["eframe", "egui", "egui_kittest", "rfd", "wgpu", "winit"];

/// The one file that may name the database.
const SHELF: &str = "core/src/index/shelf.rs";

const MOST_LINES: usize = 500;

/// What is not ours; besides, folders whose names begin with a dot.
const FOREIGN: [&str; 4] = [".git", "node_modules", "shared", "target"];

/// A larger file is weights or a picture, not text.
const MOST_TEXT_BYTES: u64 = 4 << 20;

/// A place that breaks a rule: its line, from 1, and what is wrong there.
type Finding = (usize, String);

#[test]
fn rooms_use_only_those_before_them() {
    hold("core/src", ".rs", |file, text| room_of(file).map_or(Vec::new(), |room| wrong_ways(room, text)));
}

#[test]
fn core_depends_on_no_gui_crate() {
    let find = |file: &Path, text: &str| if file == Path::new("core/Cargo.toml") { gui_crates(text) } else { vec![] };
    hold("core", ".toml", find);
}

#[test]
fn only_the_store_knows_the_database() {
    hold("core", ".rs", |file, text| if file == Path::new(SHELF) { vec![] } else { uses_of_sled(text) });
    hold("app", ".rs", |_, text| uses_of_sled(text));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    hold("", ".rs", |_, text| too_long(text).into_iter().chain(headless(text)).collect());
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    hold("", "", |_, text| machine_paths(text));
}

/// Asserts that `find` finds nothing in the text files of a folder whose names end so.
#[track_caller]
fn hold(folder: &str, ending: &str, find: impl Fn(&Path, &str) -> Vec<Finding>) {
    let broken = broken(folder, ending, find);
    assert!(broken.as_ref().is_ok_and(Vec::is_empty), "{broken:#?}");
}

/// Every finding as "file:line: what is wrong".
fn broken(folder: &str, ending: &str, find: impl Fn(&Path, &str) -> Vec<Finding>) -> io::Result<Vec<String>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut paths = Vec::new();
    collect(&root.join(folder), ending, &mut paths)?;
    assert!(!paths.is_empty(), "no file in {folder:?} ends in {ending:?}");
    let mut broken = Vec::new();
    for path in &paths {
        // What is not UTF-8 is no text.
        let Ok(text) = String::from_utf8(fs_err::read(path)?) else { continue };
        let file = path.strip_prefix(root).unwrap_or(path);
        broken.extend(find(file, &text).iter().map(|(line, what)| format!("{}:{line}: {what}", file.display())));
    }
    Ok(broken)
}

/// All files of our own below a folder whose names end so, in a fixed order.
fn collect(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs_err::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        let is_hidden = name.starts_with('.') && name != ".ci";
        if FOREIGN.contains(&&*name) {
            continue;
        }
        if kind.is_dir() && !is_hidden {
            collect(&entry.path(), ending, files)?;
        }
        if kind.is_file() && name.ends_with(ending) && entry.metadata()?.len() <= MOST_TEXT_BYTES {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The room that a file of core belongs to: "index" for core/src/index/store.rs. None for lib.rs, which lists them all.
fn room_of(file: &Path) -> Option<&'static str> {
    let first = file.strip_prefix("core/src").ok()?.iter().next()?.to_str()?;
    ROOMS.into_iter().find(|room| *room == first.trim_end_matches(".rs"))
}

/// Rooms that are named in a file of `room` although they come after it.
fn wrong_ways(room: &str, text: &str) -> Vec<Finding> {
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    let is_after = |(_, name): &(usize, &str)| place(name) > place(room);
    let say = |(line, name)| (line, format!("`{room}` names `crate::{name}`, which comes after it"));
    named_in_crate(&without_comments(text)).into_iter().filter(is_after).map(say).collect()
}

/// Every X of `crate::X` and of `crate::{X, …}`, with its line.
fn named_in_crate(code: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        let start = at + path.len();
        let starts = if code[start..].starts_with('{') { group_items(code, start) } else { vec![start] };
        names.extend(starts.into_iter().map(|start| (line_of(code, start), identifier(&code[start..]))));
    }
    names
}

/// Where the items of a `{…}` group begin, those of groups inside it left out.
fn group_items(code: &str, open: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut depth = 0;
    for (at, sign) in code[open..].char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(sign, '{' | ',') {
            let after = open + at + 1;
            starts.push(after + code[after..].len() - code[after..].trim_start().len());
        }
    }
    starts
}

fn identifier(code: &str) -> &str {
    code.split(|c: char| !is_word(c)).next().unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The text with `//` comments left out, line for line. A `//` inside a string is cut too: no rule looks there.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn gui_crates(manifest: &str) -> Vec<Finding> {
    let lines = manifest.lines().map(|line| line.split('#').next().unwrap_or_default()).enumerate();
    let named =
        |line: &str| GUI_CRATES.into_iter().find(|name| line.split(|c| !is_word(c) && c != '-').any(|w| w == *name));
    lines.filter_map(|(i, line)| Some((i + 1, format!("core depends on `{}`", named(line)?)))).collect()
}

/// `sled::…`, `use sled`, `extern crate sled`.
fn uses_of_sled(text: &str) -> Vec<Finding> {
    let code = without_comments(text);
    let is_use = |at: &usize| {
        let (before, after) = (&code[..*at], &code[at + "sled".len()..]);
        let is_whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        let is_named = ["use", "crate", "{", ","].iter().any(|word| before.trim_end().ends_with(word));
        is_whole && (after.starts_with("::") || (is_named && before.lines().next_back().is_some_and(is_import)))
    };
    let uses = code.match_indices("sled").map(|(at, _)| at).filter(is_use);
    uses.map(|at| (line_of(&code, at), format!("only {SHELF} may use sled"))).collect()
}

fn is_import(line: &str) -> bool {
    let line = line.trim_start();
    ["use ", "pub use ", "extern crate "].iter().any(|start| line.starts_with(start))
}

fn too_long(text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    (lines > MOST_LINES).then(|| (MOST_LINES + 1, format!("{lines} lines, where {MOST_LINES} are the most")))
}

fn headless(text: &str) -> Option<Finding> {
    let is_headed = text.starts_with("//! ");
    (!is_headed).then(|| (1, "no `//!` head that says what comes in and what goes out".to_owned()))
}

fn machine_paths(text: &str) -> Vec<Finding> {
    // In two parts, so that this file does not break its own rule.
    let place = concat!("/work", "/");
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(place));
    lines.map(|(i, _)| (i + 1, format!("{place} exists on one machine only"))).collect()
}

#[track_caller]
fn check(found: impl IntoIterator<Item = Finding>, expected_lines: &[usize]) {
    let lines: Vec<usize> = found.into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, expected_lines);
}

#[test]
fn a_room_may_name_itself_and_those_before_it() {
    check(wrong_ways("search", "use crate::search::Term;\nuse crate::{Result, index::{Entry, Snapshot}, error};"), &[]);
}

#[test]
fn a_room_that_names_a_later_one_is_found_with_its_line() {
    check(wrong_ways("media", "\nuse crate::index::Entry;"), &[2]);
    check(wrong_ways("error", "fn f() { crate::jobs::spawn() }"), &[1]);
    check(wrong_ways("index", "use crate::{\n    error::{Error, Result},\n    search::Query,\n};"), &[3]);
}

#[test]
fn a_comment_names_what_it_likes() {
    check(wrong_ways("media", "// The opposite of crate::engine.\n/// As [`crate::search`]."), &[]);
    check(uses_of_sled("/// Unlike sled::Db."), &[]);
}

#[test]
fn a_file_is_of_the_room_that_its_path_says() {
    let rooms = ["core/src/index/store.rs", "core/src/engine.rs", "core/src/lib.rs", "app/src/main.rs"];
    assert_eq!(rooms.map(|file| room_of(Path::new(file))), [Some("index"), Some("engine"), None, None]);
}

#[test]
fn the_database_is_found_as_path_and_import_but_not_as_part_of_a_word() {
    check(uses_of_sled("let db = sled::open(path)?;"), &[1]);
    check(uses_of_sled("\nuse sled;\nuse std::{io, sled};\npub use sled::Db;"), &[2, 3, 4]);
    check(uses_of_sled("let dog = \"a dog pulls a sled\"; bobsled::run(); assled();"), &[]);
}

#[test]
fn a_gui_crate_is_found_however_it_is_written() {
    check(
        gui_crates("[dependencies]\negui.workspace = true\nwindow = { package = \"winit\" }\nwgpu = \"1\""),
        &[2, 3, 4],
    );
    check(gui_crates("# no egui here\nwinit-not = \"1\""), &[]);
}

#[test]
fn a_file_that_is_too_long_or_has_no_head_is_found() {
    check(too_long(&"//! x\n".repeat(500)), &[]);
    check(too_long(&"//! x\n".repeat(501)), &[501]);
    check(headless("//! What it is.\n"), &[]);
    check(headless("use std::io;\n"), &[1]);
}

#[test]
fn a_path_of_one_machine_is_found() {
    check(machine_paths(concat!("a\nopen(\"/work", "/x\")")), &[2]);
    check(machine_paths("a rework/works"), &[]);
}
