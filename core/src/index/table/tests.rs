//! Tests of one model's files: what survives a cut and a changed byte.

use proptest::prelude::*;

use super::*;

const DIM: usize = 4;

fn identity() -> ModelIdentity {
    ModelIdentity { id: "a/b".to_owned(), digest: "0".repeat(16) }
}

fn hash(number: usize) -> ContentHash {
    ContentHash::of(&number.to_le_bytes())
}

fn vector(number: usize) -> UnitVector {
    UnitVector::normalised(vec![1.0, number as f32, -0.5, 2.0]).unwrap()
}

fn table_of(folder: &Path, rows: usize) -> Table {
    let mut table = Table::create(folder, &identity(), DIM).unwrap();
    let vectors: Vec<UnitVector> = (0..rows).map(vector).collect();
    table.append(vectors.iter().enumerate().map(|(number, vector)| (hash(number), vector))).unwrap();
    table
}

#[track_caller]
fn check_row(table: &Table, number: usize) {
    let vectors = table.vectors().unwrap();
    let row = table.row(&hash(number)).unwrap() as usize;
    assert_eq!(vectors.hash(row), hash(number));
    assert!(vectors.unit_vector(row).unwrap().cosine(&vector(number)) > 0.999);
}

#[test]
fn rows_come_back_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let stem = table_of(folder.path(), 5).stem;
    let table = Table::open(&stem).unwrap().unwrap();
    assert_eq!((table.identity(), table.rows), (&identity(), 5));
    (0..5).for_each(|number| check_row(&table, number));
}

#[test]
fn a_snapshot_does_not_see_what_comes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table_of(folder.path(), 2);
    let before = table.vectors().unwrap();
    table.append([(hash(2), &vector(2))].into_iter()).unwrap();
    assert_eq!((before.rows(), table.vectors().unwrap().rows()), (2, 3));
    assert_eq!(before.matrix(), &table.vectors().unwrap().matrix()[..2 * DIM]);
}

#[test]
fn a_photo_has_one_row_however_often_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table_of(folder.path(), 1);
    let (new, known) = (vector(7), vector(0));
    table.append([(hash(0), &known), (hash(7), &new), (hash(7), &new)].into_iter()).unwrap();
    assert_eq!(table.vectors().unwrap().rows(), 2);
}

#[test]
fn mapped_rows_lie_on_cache_lines() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = table_of(folder.path(), 1).vectors().unwrap();
    assert_eq!(vectors.matrix().as_ptr() as usize % 64, 0);
}

#[test]
fn a_damaged_row_is_dropped_by_compacting_and_the_rest_kept() {
    let folder = tempfile::tempdir().unwrap();
    let stem = table_of(folder.path(), 5).stem;
    // Opening looks at the last rows; damage this one while the table is open.
    let mut table = Table::open(&stem).unwrap().unwrap();
    let mut bytes = fs_err::read(matrix_path(&stem)).unwrap();
    bytes[MATRIX_HEADER] ^= 1;
    fs_err::write(matrix_path(&stem), bytes).unwrap();
    assert_eq!(table.damaged_rows().unwrap(), 1);
    assert_eq!(table.compact(|_| true).unwrap(), None);
    assert_eq!(table.rewrite(|_| true).unwrap(), 1);
    assert_eq!((table.row(&hash(0)), table.rows, table.damaged_rows().unwrap()), (None, 4, 0));
    (1..5).for_each(|number| check_row(&table, number));
}

#[test]
fn a_name_of_any_length_is_refused_or_kept() {
    let folder = tempfile::tempdir().unwrap();
    let named = |length| ModelIdentity { id: "x".repeat(length), digest: String::new() };
    assert!(Table::create(folder.path(), &named(255), DIM).is_ok());
    assert!(Table::create(folder.path(), &named(5000), DIM).is_err());
    assert!(Table::create(folder.path(), &identity(), 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_before_a_cut_survive_it(cut_matrix in 0_usize..104, cut_keys in 0_usize..752) {
        let folder = tempfile::tempdir().unwrap();
        let stem = table_of(folder.path(), 5).stem;
        for (path, cut) in [(matrix_path(&stem), cut_matrix), (keys_path(&stem), cut_keys)] {
            let bytes = fs_err::read(&path).unwrap();
            fs_err::write(&path, &bytes[..cut.min(bytes.len())]).unwrap();
        }
        let whole = (cut_matrix.saturating_sub(MATRIX_HEADER) / (2 * DIM))
            .min(cut_keys.saturating_sub(KEYS_HEADER) / KEY);
        match Table::open(&stem).unwrap() {
            None => prop_assert!(cut_matrix < MATRIX_HEADER || cut_keys < KEYS_HEADER),
            Some(mut table) => {
                prop_assert_eq!(table.rows, whole);
                table.append([(hash(9), &vector(9))].into_iter()).unwrap();
                (0..whole).chain([9]).for_each(|number| check_row(&table, number));
            }
        }
    }

    #[test]
    fn a_changed_byte_never_gives_a_wrong_vector(place in 0_usize..752, is_key: bool) {
        let folder = tempfile::tempdir().unwrap();
        let stem = table_of(folder.path(), 5).stem;
        let path = if is_key { keys_path(&stem) } else { matrix_path(&stem) };
        let mut bytes = fs_err::read(&path).unwrap();
        let place = place % bytes.len();
        bytes[place] ^= 0x55;
        fs_err::write(&path, bytes).unwrap();
        if let Some(table) = Table::open(&stem).unwrap() {
            (0..5).filter(|number| table.row(&hash(*number)).is_some()).for_each(|number| check_row(&table, number));
            prop_assert!(table.row_of.len() >= 4);
        }
    }
}
