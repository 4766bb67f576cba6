//! Copies of genes whose signal is changed: what a method would predict if it were otherwise.

use super::{Pair, PairedGene};

impl Pair {
    /// Genes of this pair, each as often and in the order as they are listed, with their signal
    /// edited. `edit` is given a gene's place in the list and its signal in A and in B,
    /// `[mark, bin]` each, as the method sees it ([`Pair::seen`]); all else about a gene, its label among them,
    /// stays.
    #[must_use]
    pub fn edited(&self, genes: &[usize], mut edit: impl FnMut(usize, [&mut [f32]; 2])) -> Pair {
        let mut edited = Pair {
            cells: self.cells.iter().map(|cell| cell.without_genes()).collect(),
            lacks: self.lacks.clone(),
            identities: self.identities.clone(),
            held_out: self.held_out.clone(),
            several: self.several,
            genes: Vec::with_capacity(genes.len()),
        };
        for (place, &gene) in genes.iter().enumerate() {
            let [mut a, mut b] = self.seen(gene);
            edit(place, [&mut a, &mut b]);
            let PairedGene { cells, .. } = self.genes[gene];
            let rows = [(0, a), (1, b)].map(|(side, signal)| {
                let of_cell = &mut edited.cells[cells[side]];
                of_cell.genes.push(self.record(gene, side).clone());
                of_cell.signal.extend(signal);
                of_cell.genes.len() - 1
            });
            edited.genes.push(PairedGene {
                rows,
                ..self.genes[gene].clone()
            });
        }
        edited
    }
}
