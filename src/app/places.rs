//! Where the connections of a view were in an earlier one.

use std::collections::HashMap;

use crate::model::{Connection, ConnectionId};

/// Of each connection of `now`, its place in `before`.
///
/// Views list the newest first, so both are gone through once, and only what came or went is looked
/// for.
pub(super) fn places_before(before: &[Connection], now: &[Connection]) -> Vec<Option<usize>> {
    let is_newer =
        |a: &Connection, b: &Connection| (a.established_at, &a.id) > (b.established_at, &b.id);
    let mut found = Vec::with_capacity(now.len());
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (place, connection) in now.iter().enumerate() {
        let mut is_here = false;
        while let Some(old) = before.get(at) {
            is_here = old.id == connection.id;
            if is_here || is_newer(connection, old) {
                break;
            }
            gone.push(at);
            at += 1;
        }
        found.push(is_here.then_some(at));
        match is_here {
            true => at += 1,
            false => new.push(place),
        }
    }
    gone.extend(at..before.len());
    // Those of a view in another order.
    let gone = gone.into_iter().map(|at| (&before[at].id, at));
    let gone: HashMap<&ConnectionId, usize> = gone.collect();
    for place in new {
        found[place] = gone.get(&now[place].id).copied();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn those_that_stay_are_found_whoever_came_and_went_in_whatever_order() {
        let (_, live) = sample::office();
        let mut before = live.connections;
        before.sort_by_key(|it| Reverse((it.established_at, it.id.clone())));
        let places = |now: &[Connection]| places_before(&before, now);
        let all: Vec<_> = (0..before.len()).collect();
        let of = |places: &[usize]| places.iter().map(|at| before[*at].clone()).collect();

        let mut stays: Vec<Connection> = of(&all);
        assert!(places(&stays).into_iter().flatten().eq(all.clone()));
        stays.remove(0);
        stays.remove(6);
        stays.pop();
        let mut left = all.clone();
        left.retain(|at| ![0, 7, before.len() - 1].contains(at));
        assert!(places(&stays).into_iter().flatten().eq(left));

        let mut came = stays[0].clone();
        came.id = sample::connection_id(200);
        for place in [0, 5, stays.len()] {
            let mut now = stays.clone();
            came.established_at = now[place.min(stays.len() - 1)].established_at;
            now.insert(place, came.clone());
            let found = places(&now);
            assert_eq!(found[place], None);
            assert_eq!(found.iter().flatten().count(), stays.len(), "at {place}");
        }

        let turned: Vec<usize> = all.into_iter().rev().collect();
        let found = places(&of(&turned));
        assert!(found.into_iter().flatten().eq(turned));
        assert!(places(&[]).is_empty());
        assert_eq!(places_before(&[], &stays), vec![None; stays.len()]);
    }
}
