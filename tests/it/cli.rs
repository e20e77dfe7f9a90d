//! The command line as a script sees it: arguments in; stdout, stderr and exit status out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// A home with pictures and a library that is not made yet.
struct Home {
    folder: TempDir,
}

impl Home {
    /// Three pictures that look different, two levels deep.
    fn with_three_pictures() -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        fs_err::create_dir_all(home.pictures().join("holiday")).unwrap();
        home.draw("red.png", |x, _| [200, (x * 2) as u8, 10]);
        home.draw("holiday/stripes.jpg", |x, _| if x / 8 % 2 == 0 { [240; 3] } else { [10; 3] });
        home.draw("holiday/sea.png", |_, y| [0, (y * 2) as u8, 220]);
        home
    }

    fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.pictures().join(name)
    }

    fn draw(&self, name: &str, pixel: impl Fn(u32, u32) -> [u8; 3]) {
        RgbImage::from_fn(96, 64, |x, y| Rgb(pixel(x, y))).save(self.path(name)).unwrap();
    }

    fn sightline(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sightline-under-test"));
        command.arg("--library").arg(self.folder.path().join("library"));
        command.env("HF_HUB_OFFLINE", "1").env("HF_HOME", self.folder.path().join("hub"));
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Runs a command that must end with `status`, and gives what it printed.
    #[track_caller]
    fn run(&self, arguments: &[&str], status: i32) -> Output {
        let output = self.sightline().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        output
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], status: i32) -> Value {
        let output = self.run(&[&["--json"], arguments].concat(), status);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn index(&self, status: i32) -> Value {
        let pictures = self.pictures();
        self.json(&["index", pictures.to_str().unwrap()], status)
    }

    /// An error is one line on stderr that holds all of `words`, and nothing on stdout.
    #[track_caller]
    fn check_refusal(&self, arguments: &[&str], words: &[&str]) {
        let output = self.run(arguments, 2);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty());
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
        words.iter().for_each(|word| assert!(stderr.contains(word), "{stderr:?} lacks {word:?}"));
    }
}

#[track_caller]
fn check_counts(report: &Value, expected: &[(&str, u64)]) {
    for (key, count) in expected {
        assert_eq!(report[key].as_u64(), Some(*count), "{key} in {report:#}");
    }
}

fn first_path(report: &Value) -> &Path {
    Path::new(report["hits"][0]["path"].as_str().unwrap())
}

#[test]
fn an_indexed_picture_finds_itself_first() {
    let home = Home::with_three_pictures();
    check_counts(&home.index(0), &[("found", 3), ("indexed", 3), ("unchanged", 0), ("moved", 0), ("gone", 0)]);
    let query = home.path("holiday/stripes.jpg");
    let report = home.json(&["search", "--image", query.to_str().unwrap()], 0);
    assert_eq!(first_path(&report), query);
    assert!(report["hits"][0]["score"].as_f64().unwrap() > 0.995);
    assert_eq!(report["hits"][0]["rank"], 1);
    assert_eq!(report["hits"].as_array().unwrap().len(), 3);
}

#[test]
fn a_text_gives_every_picture_a_score_and_the_limit_holds() {
    let home = Home::with_three_pictures();
    home.index(0);
    let report = home.json(&["search", "blue water", "--limit", "2"], 0);
    assert_eq!(report["hits"].as_array().unwrap().len(), 2);
    assert!(report["milliseconds"].as_f64().unwrap() > 0.0);
    assert_eq!(report["query"]["text"], "blue water");
}

#[test]
fn a_file_of_that_name_comes_first() {
    let home = Home::with_three_pictures();
    home.index(0);
    for name in ["red", "stripes", "sea"] {
        let report = home.json(&["search", name], 0);
        assert_eq!(first_path(&report).file_stem().unwrap(), name);
    }
}

#[test]
fn a_folder_filter_leaves_the_others_out() {
    let home = Home::with_three_pictures();
    home.index(0);
    let folder = home.path("holiday");
    let report = home.json(&["search", "red", "--in", folder.to_str().unwrap()], 0);
    assert_eq!(report["hits"].as_array().unwrap().len(), 2);
}

#[test]
fn a_region_of_a_picture_can_be_the_query() {
    let home = Home::with_three_pictures();
    home.index(0);
    let query = home.path("red.png");
    let query = query.to_str().unwrap();
    let whole = home.json(&["search", "--image", query, "--region", "0,0,1,1"], 0);
    assert!(whole["hits"][0]["score"].as_f64().unwrap() > 0.995);
    let refused = home.run(&["search", "--image", query, "--region", "0.5,0,0.9,1"], 2);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("does not lie in the picture"));
}

#[test]
fn what_is_not_wanted_sinks() {
    let home = Home::with_three_pictures();
    home.index(0);
    let score = |arguments: &[&str]| {
        let report = home.json(arguments, 0);
        let hits = report["hits"].as_array().unwrap().clone();
        let hit = hits.iter().find(|hit| hit["path"].as_str().unwrap().ends_with("sea.png")).unwrap().clone();
        hit["score"].as_f64().unwrap()
    };
    assert!(score(&["search", "a gradient", "--not", "a gradient"]) <= 1e-6);
    assert!(score(&["search", "a gradient", "--not", "a dog"]) <= score(&["search", "a gradient"]) + 1e-6);
}

#[test]
fn a_second_run_reads_nothing_again() {
    let home = Home::with_three_pictures();
    home.index(0);
    check_counts(&home.index(0), &[("found", 3), ("indexed", 0), ("unchanged", 3)]);
}

#[test]
fn a_renamed_file_is_moved_and_a_deleted_one_gone() {
    let home = Home::with_three_pictures();
    home.index(0);
    fs_err::rename(home.path("red.png"), home.path("holiday/crimson.png")).unwrap();
    fs_err::remove_file(home.path("holiday/sea.png")).unwrap();
    check_counts(&home.index(0), &[("found", 2), ("indexed", 0), ("unchanged", 1), ("moved", 1), ("gone", 1)]);
    let report = home.json(&["search", "crimson"], 0);
    assert_eq!(first_path(&report), home.path("holiday/crimson.png"));
}

#[test]
fn a_changed_file_is_read_again() {
    let home = Home::with_three_pictures();
    home.index(0);
    home.draw("red.png", |x, y| [x as u8, y as u8, 77]);
    check_counts(&home.index(0), &[("found", 3), ("indexed", 1), ("unchanged", 2), ("gone", 0)]);
}

#[test]
fn a_bad_file_is_listed_with_its_reason_and_ends_nothing() {
    let home = Home::with_three_pictures();
    fs_err::write(home.path("torn.jpg"), b"\xff\xd8\xff\xe0 and then nothing").unwrap();
    let report = home.index(1);
    check_counts(&report, &[("found", 4), ("indexed", 3)]);
    assert!(report["failed"][0]["path"].as_str().unwrap().ends_with("torn.jpg"));
    assert!(report["failed"][0]["reason"].as_str().unwrap().len() > 10);
    // It is remembered: still listed, not read again.
    check_counts(&home.index(1), &[("indexed", 0), ("unchanged", 3)]);
}

#[test]
fn the_photos_are_never_written_to() {
    let home = Home::with_three_pictures();
    let listing = |home: &Home| {
        let names = ["red.png", "holiday/stripes.jpg", "holiday/sea.png"];
        names.map(|name| {
            (fs_err::read(home.path(name)).unwrap(), fs_err::metadata(home.path(name)).unwrap().modified().unwrap())
        })
    };
    let before = listing(&home);
    home.index(0);
    home.json(&["search", "red"], 0);
    assert!(before == listing(&home));
    assert_eq!(fs_err::read_dir(home.pictures()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn odd_names_and_links_in_circles_are_no_trouble() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::with_three_pictures();
    let odd = home.pictures().join(std::ffi::OsStr::from_bytes(b"line\nbreak \xff.png"));
    fs_err::copy(home.path("holiday/sea.png"), odd).unwrap();
    fs_err::os::unix::fs::symlink(home.pictures(), home.path("holiday/circle")).unwrap();
    fs_err::os::unix::fs::symlink("nowhere", home.path("broken.png")).unwrap();
    check_counts(&home.index(0), &[("found", 4)]);
    // Also where they are named in the answer.
    fs_err::write(home.pictures().join(std::ffi::OsStr::from_bytes(b"bad \xff.png")), b"nothing").unwrap();
    fs_err::write(home.pictures().join(std::ffi::OsStr::from_bytes(b"note \xff.txt")), b"nothing").unwrap();
    let report = home.index(1);
    assert_eq!(report["failed"].as_array().unwrap().len(), 1);
    assert_eq!(report["ignored"].as_array().unwrap().len(), 1);
    let query = home.sightline().arg("search").arg("--image").arg(std::ffi::OsStr::from_bytes(b"no \xff.png")).output();
    assert_eq!(query.unwrap().status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_folder_filter_follows_links_and_names_what_is_not_there() {
    let home = Home::with_three_pictures();
    home.index(0);
    fs_err::os::unix::fs::symlink(home.path("holiday"), home.folder.path().join("link")).unwrap();
    let link = home.folder.path().join("link");
    let report = home.json(&["search", "red", "--in", link.to_str().unwrap()], 0);
    assert_eq!(report["hits"].as_array().unwrap().len(), 2);
    home.check_refusal(&["search", "red", "--in", "/no/such/folder"], &["/no/such/folder"]);
}

#[test]
fn an_output_never_replaces_a_photo() {
    let home = Home::with_three_pictures();
    let red = home.path("red.png");
    let red = red.to_str().unwrap();
    home.check_refusal(&["embed", red, "--out", red], &[".npy"]);
    assert!(image::open(red).is_ok());
}

#[test]
fn a_refused_file_is_tried_again_by_other_decoders() {
    let home = Home::with_three_pictures();
    let good = fs_err::read(home.path("red.png")).unwrap();
    let write = |content: &[u8]| {
        let path = home.path("torn.png");
        fs_err::write(&path, content).unwrap();
        let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
        file.into_parts().0.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    write(&vec![0; good.len()]);
    home.index(1);
    // Size and time are as they were: the same decoders are not asked again.
    write(&good);
    assert_eq!(home.index(1)["failed"].as_array().unwrap().len(), 1);
    fs_err::write(home.folder.path().join("library/decoders"), "those of last year").unwrap();
    check_counts(&home.index(0), &[("indexed", 1), ("unchanged", 3)]);
}

#[test]
fn embeddings_are_unit_rows_in_the_order_given() {
    let home = Home::with_three_pictures();
    let out = home.path("vectors.npy");
    let (red, sea) = (home.path("red.png"), home.path("holiday/sea.png"));
    let arguments = ["embed", red.to_str().unwrap(), sea.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let report = home.json(&arguments, 0);
    check_counts(&report, &[("rows", 2)]);
    let (shape, values) = read_npy(&out);
    assert_eq!(shape, [2, report["dim"].as_u64().unwrap()]);
    for row in values.chunks(values.len() / 2) {
        let norm: f32 = row.iter().map(|value| value * value).sum();
        assert!((norm - 1.0).abs() < 1e-4, "{norm}");
    }
    let report = home.json(&["embed", "--text", "a dog", "--out", out.to_str().unwrap()], 0);
    check_counts(&report, &[("rows", 1)]);
}

#[test]
fn patch_features_have_the_form_that_is_promised() {
    let home = Home::with_three_pictures();
    let out = home.path("patches.npy");
    let red = home.path("red.png");
    let report = home.json(&["patches", red.to_str().unwrap(), "--out", out.to_str().unwrap(), "--size", "96"], 0);
    let (shape, _) = read_npy(&out);
    assert_eq!(shape, ["layers", "rows", "columns", "dim"].map(|key| report[key].as_u64().unwrap()));
}

/// The shape and the numbers of a NumPy file of version 1, f32, C order.
#[track_caller]
fn read_npy(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let bytes = fs_err::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains("'<f4'") && header.contains("False"), "{header}");
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let sides = shape.split(',').filter_map(|side| side.trim().parse().ok()).collect();
    let numbers = bytes[10 + length..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    (sides, numbers.collect())
}

#[test]
fn refusals_are_one_line_that_says_what_to_do() {
    let home = Home::with_three_pictures();
    home.check_refusal(&["index", "/no/such/folder"], &["/no/such/folder"]);
    home.check_refusal(&["search", " "], &["empty"]);
    home.check_refusal(&["search"], &["nothing to search for"]);
    home.check_refusal(&["--model", "no-such-model", "search", "dog"], &["no-such-model", "models list"]);
    home.check_refusal(&["--model", "clip-vit-b-32", "search", "dog"], &["models download clip-vit-b-32"]);
    home.check_refusal(&["models", "download", "clip-vit-b-32"], &["HF_HUB_OFFLINE"]);
    home.check_refusal(&["--precision", "int8", "search", "dog"], &["32 bits only"]);
    home.check_refusal(&["embed", "/no/such/picture.png", "--out", "/tmp/never.npy"], &["/no/such/picture.png"]);
}

#[test]
fn a_folder_without_a_model_is_named() {
    let home = Home::with_three_pictures();
    let pictures = home.pictures();
    home.check_refusal(&["--model", pictures.to_str().unwrap(), "search", "dog"], &["config.json", "pictures"]);
    home.check_refusal(&["models", "add", pictures.to_str().unwrap()], &["config.json"]);
}

#[test]
fn wrong_usage_ends_with_status_two() {
    let home = Home::with_three_pictures();
    home.run(&["no-such-command"], 2);
    home.run(&["search", "dog", "--limit", "many"], 2);
}

#[test]
fn words_in_another_script_get_a_note() {
    let home = Home::with_three_pictures();
    home.index(0);
    let output = home.run(&["search", "雪の中の犬"], 0);
    assert!(String::from_utf8(output.stderr).unwrap().contains("English"));
}

#[test]
fn the_doctor_finds_a_good_library_good() {
    let home = Home::with_three_pictures();
    home.index(0);
    let findings = home.json(&["doctor"], 0);
    let of = |subject: &str| {
        let findings = findings.as_array().unwrap().iter();
        findings.filter(|finding| finding["subject"] == subject).map(|finding| finding["severity"].clone()).next()
    };
    assert_eq!(of("library"), Some("good".into()));
    assert_eq!(of("model"), Some("good".into()));
}

#[test]
fn the_models_are_listed_with_the_built_in_one_first() {
    let home = Home::with_three_pictures();
    let models = home.json(&["models"], 0);
    assert_eq!(models[0]["id"], "starter");
    assert_eq!(models[0]["state"], "built-in");
    assert!(models.as_array().unwrap().len() > 15);
}
