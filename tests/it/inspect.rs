//! Inspection as a script sees it, on plates that the program draws. In: arguments. Out: JSON, files, exit status.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{GrayImage, RgbImage};
use serde_json::Value;
use sightline_core::anomaly::demo::{DefectKind, DrawnPart, draw_part};
use sightline_core::engine::{Engine, Precision, Settings};
use sightline_core::index::{ContentHash, Decision, Review};
use tempfile::TempDir;

/// Width of the plates: small, so that they are quickly looked at.
const WIDTH: u32 = 256;

/// The parts are those of `demo inspect --references 6 --good 2 --defective 2 --width 256`.
fn plate(number: u64) -> RgbImage {
    draw_part((1 << 20) + number, WIDTH, None).picture
}

fn rusty(number: u64) -> DrawnPart {
    draw_part((1 << 20) + number, WIDTH, Some(DefectKind::Rust))
}

/// The middle of what is marked in a mask.
fn middle(mask: &GrayImage) -> (f64, f64) {
    let marked: Vec<(u32, u32)> =
        mask.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 0).map(|(x, y, _)| (x, y)).collect();
    let mean = |side: fn(&(u32, u32)) -> u32| {
        marked.iter().map(|place| f64::from(side(place))).sum::<f64>() / marked.len() as f64
    };
    (mean(|place| place.0), mean(|place| place.1))
}

struct Shop {
    folder: TempDir,
}

impl Shop {
    /// Six good parts to learn, two good and two rusty ones to judge, in MVTec-AD's layout.
    fn new() -> Self {
        let shop = Self { folder: TempDir::new().unwrap() };
        (0..6).for_each(|seed| shop.save(&format!("train/good/{seed:03}.png"), &plate(seed)));
        (0..2).for_each(|seed| shop.save(&format!("test/good/{seed:03}.png"), &plate(6 + seed)));
        for seed in 0..2 {
            let DrawnPart { picture, mask } = rusty(16 + seed);
            shop.save(&format!("test/rust/{seed:03}.png"), &picture);
            mask.save(shop.made(&format!("ground_truth/rust/{seed:03}_mask.png"))).unwrap();
        }
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The path of a file whose folder is there.
    fn made(&self, name: &str) -> PathBuf {
        fs_err::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        self.path(name)
    }

    fn save(&self, name: &str, picture: &RgbImage) {
        picture.save(self.made(name)).unwrap();
    }

    fn sightline(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sightline-under-test"));
        command.arg("--library").arg(self.path("library")).args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], status: i32) -> Output {
        let output = self.sightline(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        output
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], status: i32) -> Value {
        serde_json::from_slice(&self.run(&[&["--json"], arguments].concat(), status).stdout).unwrap()
    }

    #[track_caller]
    fn inspect(&self, more: &[&str], status: i32) -> Value {
        let (normal, images) = (self.text("train/good"), self.text("test"));
        let arguments = ["inspect", "--normal", &normal, "--images", &images, "--size", "256"];
        self.json(&[&arguments[..], more].concat(), status)
    }
}

fn part<'a>(results: &'a Value, name: &str) -> &'a Value {
    let is_it = |row: &&Value| row["path"].as_str().unwrap().replace('\\', "/").ends_with(name);
    results["images"].as_array().unwrap().iter().find(is_it).unwrap()
}

#[test]
fn a_rusty_part_does_not_pass_and_the_box_is_where_the_rust_is() {
    let shop = Shop::new();
    let out = shop.text("out");
    let results = shop.inspect(&["--out", &out], 0);
    assert_eq!((results["method"].as_str(), results["references"].as_u64()), (Some("mahalanobis"), Some(6)));
    assert!(results["threshold"].as_f64().unwrap() > 0.0 && results["seconds"].as_f64().unwrap() > 0.0);
    for name in ["rust/000.png", "rust/001.png"] {
        assert_ne!(part(&results, name)["verdict"], "pass", "{name}");
    }
    let region = &part(&results, "rust/000.png")["regions"][0];
    let number = |key: &str| region[key].as_f64().unwrap();
    let (x, y) = (number("x") + number("width") / 2.0, number("y") + number("height") / 2.0);
    let truth = middle(&rusty(16).mask);
    assert!((x - truth.0).abs() < 20.0 && (y - truth.1).abs() < 20.0, "{truth:?} {region:#}");
    assert!(number("area") > 0.0 && number("peak") >= number("mean"));
    for name in ["good/000.png", "good/001.png"] {
        assert!(part(&results, name)["score"].as_f64() < part(&results, "rust/000.png")["score"].as_f64());
    }
}

#[test]
fn everything_is_written_under_the_parts_own_names() {
    let shop = Shop::new();
    let out = shop.text("out");
    shop.inspect(&["--out", &out], 0);
    let results: Value = serde_json::from_slice(&fs_err::read(shop.path("out/results.json")).unwrap()).unwrap();
    assert_eq!(results["images"].as_array().unwrap().len(), 4);
    let csv = fs_err::read_to_string(shop.path("out/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    for name in ["good/000", "good/001", "rust/000", "rust/001"] {
        let mask = image::open(shop.path(&format!("out/masks/{name}.png"))).unwrap();
        assert_eq!((mask.width(), mask.height()), (256, 160));
        assert!(image::open(shop.path(&format!("out/overlays/{name}.png"))).is_ok());
        let map = fs_err::read(shop.path(&format!("out/maps/{name}.npy"))).unwrap();
        assert!(map.starts_with(b"\x93NUMPY") && map.len() == 128 + 4 * 256 * 160);
    }
    let report = fs_err::read_to_string(shop.path("out/report.html")).unwrap();
    for expected in ["rust/000", "data:image/jpeg;base64,", "<svg", "mahalanobis"] {
        assert!(report.contains(expected), "{expected}");
    }
    assert!(!report.contains("http://") && !report.contains("https://"), "the report loads nothing");
}

#[test]
fn a_reference_scores_zero_against_itself() {
    let shop = Shop::new();
    let normal = shop.text("train/good");
    let results =
        shop.json(&["inspect", "--normal", &normal, "--images", &normal, "--size", "256", "--method", "patch-knn"], 0);
    for row in results["images"].as_array().unwrap() {
        assert!(row["score"].as_f64().unwrap() < 1e-5 && row["verdict"] == "pass", "{row:#}");
        assert!(row["regions"].as_array().unwrap().is_empty());
    }
}

#[test]
fn one_reference_is_said_to_be_uncalibrated_and_fails_nothing() {
    let shop = Shop::new();
    let (one, images) = (shop.text("train/good/000.png"), shop.text("test"));
    let results = shop.json(&["inspect", "--normal", &one, "--images", &images, "--size", "256"], 0);
    assert!(results["notes"][0].as_str().unwrap().starts_with("uncalibrated"));
    assert!(results["fail_threshold"].is_null());
    assert!(results["images"].as_array().unwrap().iter().all(|row| row["verdict"] != "fail"));
}

#[test]
fn every_method_judges_the_folder() {
    let shop = Shop::new();
    for method in ["patch-knn", "subspace", "dictionary", "mutual", "zero-shot"] {
        let results = shop.inspect(&["--method", method], 0);
        assert_eq!(results["method"], method);
        assert_eq!(results["images"].as_array().unwrap().len(), 4, "{method}");
        let score = |name| part(&results, name)["score"].as_f64().unwrap();
        if method != "zero-shot" {
            assert!(score("rust/000.png") > score("good/000.png"), "{method}");
        }
    }
}

#[test]
fn the_evaluation_gives_every_figure_and_null_without_truth() {
    let shop = Shop::new();
    let folder = shop.text("");
    let report = shop.json(&["evaluate", "--mvtec", &folder, "--size", "256"], 0);
    for key in ["image_auroc", "image_ap", "image_f1", "pixel_auroc", "pixel_ap", "pixel_f1", "aupro", "seconds"] {
        assert!(report[key].as_f64().is_some_and(|figure| figure >= 0.0), "{key} in {report:#}");
    }
    assert_eq!(report["image_auroc"], 1.0);
    assert!(report["pixel_auroc"].as_f64().unwrap() > 0.95, "{report:#}");
    assert_eq!((report["references"].as_u64(), report["images"].as_array().unwrap().len()), (Some(6), 4));
    let (normal, good, bad) = (shop.text("train/good"), shop.text("test/good"), shop.text("test/rust"));
    let arguments = ["evaluate", "--normal", &normal, "--normal-test", &good, "--abnormal", &bad, "--size", "256"];
    let report = shop.json(&arguments, 0);
    assert!(report["pixel_auroc"].is_null() && report["aupro"].is_null() && report["image_auroc"] == 1.0);
}

#[test]
fn an_unreadable_part_is_listed_and_the_run_goes_on() {
    let shop = Shop::new();
    fs_err::write(shop.path("test/good/broken.png"), b"no picture").unwrap();
    let results = shop.inspect(&[], 1);
    assert_eq!(results["images"].as_array().unwrap().len(), 4);
    assert!(results["failed"][0]["path"].as_str().unwrap().ends_with("broken.png"));
    fs_err::write(shop.path("train/good/broken.png"), b"no picture").unwrap();
    assert_eq!(shop.inspect(&[], 1)["references"], 6);
}

#[test]
fn without_good_parts_it_says_so() {
    let shop = Shop::new();
    fs_err::create_dir_all(shop.path("empty")).unwrap();
    let (empty, images) = (shop.text("empty"), shop.text("test"));
    for (normal, images, expected) in [(&empty, &images, "no good part"), (&images, &empty, "no picture to judge")] {
        let output = shop.run(&["inspect", "--normal", normal, "--images", images, "--size", "64"], 2);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected) && stderr.trim_end().lines().count() == 1, "{stderr}");
    }
}

#[test]
fn a_product_keeps_references_settings_and_thresholds_in_one_file() {
    let shop = Shop::new();
    let (zip, images) = (shop.text("plate.zip"), shop.text("test"));
    let first = shop.inspect(&["--save-product", &zip], 0);
    let again = shop.json(&["inspect", "--product", &zip, "--images", &images], 0);
    assert_eq!(first["threshold"], again["threshold"]);
    assert_eq!(part(&first, "rust/000.png")["score"], part(&again, "rust/000.png")["score"]);
    assert!(again["product"].as_str().unwrap().starts_with("plate, version"));
}

#[test]
fn a_product_of_the_library_is_inspected_with_by_its_name() {
    let shop = Shop::new();
    let (zip, copy, images) = (shop.text("plate.zip"), shop.text("copy.zip"), shop.text("test"));
    let first = shop.inspect(&["--save-product", &zip], 0);
    assert_eq!(shop.json(&["products", "add", &zip], 0)["products"][0]["name"], "plate");
    let again = shop.json(&["inspect", "--product", "plate", "--images", &images], 0);
    assert_eq!(first["threshold"], again["threshold"]);
    let listed = shop.json(&["products"], 0);
    assert_eq!((listed["products"][0]["references"].as_u64(), &listed["failed"]), (Some(6), &Value::Array(vec![])));
    assert!(listed["products"][0]["model"].is_string());
    shop.run(&["products", "export", "plate", &copy], 0);
    assert!(shop.json(&["products", "remove", "plate"], 0)["products"].as_array().unwrap().is_empty());
    shop.run(&["products", "remove", "plate"], 2);
    shop.run(&["products", "add", &copy], 0);
}

#[test]
fn the_audit_log_is_exported_in_the_form_that_the_ending_asks_for() {
    let shop = Shop::new();
    let settings = Settings { library: shop.path("library"), model: None, precision: Precision::Auto };
    let review = Review {
        product: "Plate".into(),
        version: 2,
        model: "starter".into(),
        path: shop.path("test/rust/000.png"),
        hash: ContentHash([1; 32]),
        score: 0.5,
        threshold: 0.25,
        verdict: "fail".into(),
        decision: Decision::Accepted,
        operator: "Ada".into(),
        reason: "only dust".into(),
    };
    Engine::open(settings).unwrap().record_review(review).unwrap();
    let log = shop.json(&["reviews", "--product", "Plate"], 0);
    assert_eq!((&log[0]["number"], &log[0]["decision"]), (&1.into(), &"accepted".into()));
    let (csv, other) = (shop.text("log.csv"), shop.text("log.xls"));
    shop.run(&["reviews", "--out", &csv], 0);
    assert!(fs_err::read_to_string(csv).unwrap().lines().nth(1).unwrap().ends_with("Ada,only dust,starter"));
    shop.run(&["reviews", "--out", &other], 2);
}

#[test]
fn the_drawn_product_is_inspected_and_evaluated_like_any_other() {
    let shop = Shop::new();
    let folder = shop.text("demo");
    let draw = ["demo", "inspect", &folder, "--references", "4", "--good", "2", "--defective", "1", "--width", "200"];
    assert_eq!(shop.json(&draw, 0)["defective"], 8);
    shop.run(&draw, 2);
    let report = shop.json(&["evaluate", "--mvtec", &folder, "--size", "200"], 0);
    assert_eq!((report["references"].as_u64(), report["images"].as_array().unwrap().len()), (Some(4), 10));
    assert!(report["pixel_auroc"].as_f64().unwrap() > 0.9, "{report:#}");
}

#[test]
fn combined_methods_judge_the_folder_together() {
    let shop = Shop::new();
    let results = shop.inspect(&["--combine", "dictionary", "patch-knn@192"], 0);
    let score = |name| part(&results, name)["score"].as_f64().unwrap();
    assert!(score("rust/000.png") > score("good/000.png"));
    let rank = |name| part(&results, name)["rank"].as_f64().unwrap();
    assert!(rank("rust/000.png") > 0.5 && rank("good/000.png") < 0.5);
    assert!(part(&shop.inspect(&[], 0), "good/000.png").get("rank").is_none(), "one method has no mean rank");
    let note = results["notes"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(note.contains("dictionary at 256 px") && note.contains("patch-knn at 192 px"), "{note}");
    let (normal, images) = (shop.text("train/good"), shop.text("test"));
    shop.run(&["inspect", "--normal", &normal, "--images", &images, "--combine", "magic"], 2);
}

#[test]
fn what_comes_into_a_watched_folder_is_judged_as_a_line_of_json() {
    let shop = Shop::new();
    fs_err::create_dir_all(shop.path("camera")).unwrap();
    let (normal, camera, out) = (shop.text("train/good"), shop.text("camera"), shop.text("out"));
    let arguments = ["inspect", "--normal", &normal, "--watch", &camera, "--out", &out, "--size", "256"];
    let mut child = shop.sightline(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut says = BufReader::new(child.stderr.take().unwrap()).lines().map_while(std::result::Result::ok);
    assert!(says.any(|line| line.starts_with("watching")));
    // Written elsewhere and moved in, as a camera's program does.
    shop.save("beside.png", &rusty(16).picture);
    fs_err::rename(shop.path("beside.png"), shop.path("camera/part 1.png")).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(Path::new(line["path"].as_str().unwrap()).ends_with("part 1.png"));
    assert_ne!(line["verdict"], "pass");
    assert!(shop.path("out/overlays/part 1.png").is_file());
    child.kill().unwrap();
    child.wait().unwrap();
}
