//! Scores of several methods or sizes as one. In: p-values of a part, or scores of all parts. Out: one number a part. Pure.

/// One p-value for several of the same part, whatever they have in common: twice their mean (Vovk and Wang 2020,
/// proposition 1). `None` of none.
pub fn combined_p_value(p_values: &[f64]) -> Option<f64> {
    let mean = p_values.iter().sum::<f64>() / p_values.len() as f64;
    (!p_values.is_empty()).then(|| (2.0 * mean).min(1.0))
}

/// The mean rank of every part over several lists of scores of the same parts, from 0 (lowest) to 1 (highest): no list
/// counts more because its scores are larger. Ties share their mean rank.
pub fn combined_ranks(lists: &[Vec<f32>]) -> Vec<f32> {
    let parts = lists.iter().map(Vec::len).min().unwrap_or(0);
    let mut sums = vec![0.0; parts];
    for list in lists {
        sums.iter_mut().zip(ranks(&list[..parts])).for_each(|(sum, rank)| *sum += rank / lists.len() as f32);
    }
    sums
}

fn ranks(scores: &[f32]) -> Vec<f32> {
    let most = scores.len().saturating_sub(1).max(1) as f32;
    let rank = |score: &f32| {
        let below = scores.iter().filter(|other| *other < score).count() as f32;
        let level = scores.iter().filter(|other| *other == score).count() as f32;
        (below + (level - 1.0) / 2.0) / most
    };
    scores.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_of_one_part_become_one() {
        assert_eq!(combined_p_value(&[0.01, 0.03]), Some(0.04));
        assert_eq!(combined_p_value(&[0.9, 0.8]), Some(1.0));
        assert_eq!(combined_p_value(&[]), None);
    }

    #[test]
    fn no_list_counts_more_because_its_scores_are_larger() {
        let found = combined_ranks(&[vec![1.0, 2.0, 3.0], vec![900.0, 100.0, 100.0]]);
        assert_eq!(found, [0.5, 0.375, 0.625]);
        assert!(combined_ranks(&[]).is_empty());
    }
}
