//! Where the labels of points go: beside their points where there is room, else
//! farther off, never on one another.

/// A rectangle: left, top, right, bottom, px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// How much of this another one covers, px².
    fn overlap(&self, other: &Area) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }

    /// How much of the line from a point to its nearest place another area hides, px.
    fn hidden(&self, point: (f64, f64), other: &Area) -> f64 {
        const STEPS: u32 = 24;
        let end = self.nearest(point);
        let (across, down) = (end.0 - point.0, end.1 - point.1);
        let inside = (1..STEPS).map(|step| f64::from(step) / f64::from(STEPS));
        let inside = inside.filter(|share| {
            let place = (point.0 + share * across, point.1 + share * down);
            other.nearest(place) == place
        });
        inside.count() as f64 / f64::from(STEPS) * across.hypot(down)
    }

    fn size(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// The square around a point.
    fn around((x, y): (f64, f64), half: f64) -> Self {
        Area {
            left: x - half,
            top: y - half,
            right: x + half,
            bottom: y + half,
        }
    }

    /// The place of this area that is nearest to a point.
    pub(super) fn nearest(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            x.clamp(self.left, self.right),
            y.clamp(self.top, self.bottom),
        )
    }
}

/// Distances of a label from its point that are tried, px.
const DISTANCES: [f64; 8] = [7.0, 14.0, 24.0, 36.0, 50.0, 66.0, 84.0, 104.0];
/// Half the square that a point takes, px.
const POINT: f64 = 5.0;
/// What a px of a line under a label counts, px².
const LINE: f64 = 1.0;

/// Places a label of each width for each point within `within`, in the points'
/// order: of the places around it, nearest first and the right side before others,
/// the one that covers the least of labels, points and lines between them.
pub(super) fn place(
    points: &[(f64, f64)],
    widths: &[f64],
    height: f64,
    within: &Area,
) -> Vec<Area> {
    let marks: Vec<Area> = points.iter().map(|&p| Area::around(p, POINT)).collect();
    let mut placed: Vec<Area> = Vec::new();
    for (&point, &width) in points.iter().zip(widths) {
        let covered = |area: &Area| {
            let taken = marks.iter().chain(&placed).map(|other| area.overlap(other));
            let before = points.iter().zip(&placed);
            let lines = before.map(|(&p, other)| area.hidden(point, other) + other.hidden(p, area));
            taken.sum::<f64>() + LINE * lines.sum::<f64>() + area.size() - area.overlap(within)
        };
        let mut best = (f64::INFINITY, marks[0]);
        for area in candidates(point, width, height) {
            let covered = covered(&area);
            if covered < best.0 - 1e-6 {
                best = (covered, area);
            }
        }
        placed.push(best.1);
    }
    placed
}

/// Areas around a point: right, left, above, below, and between these.
fn candidates((x, y): (f64, f64), width: f64, height: f64) -> impl Iterator<Item = Area> {
    const SIDES: [(f64, f64); 8] = [
        (1.0, 0.0),
        (-1.0, 0.0),
        (0.0, -1.0),
        (0.0, 1.0),
        (1.0, -1.0),
        (1.0, 1.0),
        (-1.0, -1.0),
        (-1.0, 1.0),
    ];
    DISTANCES.into_iter().flat_map(move |distance| {
        SIDES.into_iter().map(move |(across, down)| {
            // The near edge is the distance off; a diagonal one shares it.
            let share = if across != 0.0 && down != 0.0 {
                0.7
            } else {
                1.0
            };
            let left = x + across * (distance * share + width / 2.0) - width / 2.0;
            let top = y + down * (distance * share + height / 2.0) - height / 2.0;
            Area {
                left,
                top,
                right: left + width,
                bottom: top + height,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_close_points_do_not_cover_one_another() {
        let within = Area {
            left: 0.0,
            top: 0.0,
            right: 400.0,
            bottom: 300.0,
        };
        let points: Vec<(f64, f64)> = (0..12)
            .map(|i| {
                (
                    350.0 + f64::from(i % 4) * 9.0,
                    100.0 + f64::from(i / 4) * 9.0,
                )
            })
            .collect();
        let areas = place(&points, &[70.0; 12], 12.0, &within);
        for (i, area) in areas.iter().enumerate() {
            assert!((area.overlap(&within) - area.size()).abs() < 1e-6);
            for other in &areas[..i] {
                assert_eq!(area.overlap(other), 0.0);
            }
        }
        // A point alone has its label on the right.
        assert_eq!(place(&points[..1], &[20.0], 12.0, &within)[0].left, 357.0);
        assert!(place(&[], &[], 12.0, &within).is_empty());
    }
}
