//! A page: one HTML file with its style, its script, its data and its figures, which needs
//! nothing else to be read.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figure::Figure;
use crate::explanation::rounded;

const STYLE: &str = include_str!("page/report.css");
const SCRIPT: &str = concat!(
    "(function () {\n'use strict';\n",
    include_str!("page/gene_table.js"),
    include_str!("page/gene_page.js"),
    "})();\n"
);

/// A part of a page.
pub(super) struct Section {
    /// By which it is linked.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is in it.
    pub body: Markup,
}

/// A page.
pub(super) struct Page {
    pub title: String,
    pub subtitle: String,
    pub sections: Vec<Section>,
    /// What the script shows genes from, as JSON.
    pub data: Option<String>,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        // Within a script element nothing but `<` can end it.
        let data = self.data.as_ref().map(|json| json.replace('<', "\\u003c"));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Nothing is fetched, whatever names in the data may look like.
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; \
                                 script-src 'unsafe-inline'; img-src data:";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p.subtitle { (self.subtitle) }
                    }
                    nav aria-label="Sections" {
                        ul {
                            @for section in &self.sections {
                                li { a href={ "#" (section.id) } { (section.title) } }
                            }
                        }
                    }
                    main {
                        @for section in &self.sections {
                            section id=(section.id) {
                                h2 { (section.title) }
                                (section.body)
                            }
                        }
                    }
                    footer { p { "Made by epidelta " (env!("CARGO_PKG_VERSION")) "." } }
                    @if let Some(data) = data {
                        script type="application/json" id="report-data" { (PreEscaped(data)) }
                        script { (PreEscaped(SCRIPT)) }
                    }
                }
            }
        }
        .into_string()
    }
}

/// A figure with its caption, drawn in the page.
pub(super) fn figure(figure: &Figure) -> Markup {
    let id = format!("fig-{}", figure.name);
    let title = format!("{id}-title");
    let start = format!("<svg role=\"img\" aria-labelledby=\"{title}\" ");
    let svg = figure.svg().replacen("<svg ", &start, 1);
    // The text alternative is the first child of the drawing.
    let (head, rest) = match svg.find('>') {
        Some(end) => svg.split_at(end + 1),
        None => (svg.as_str(), ""),
    };
    html! {
        figure id=(id) {
            (PreEscaped(head))
            title id=(title) { (figure.description) }
            (PreEscaped(rest))
            figcaption { (figure.caption) }
        }
    }
}

/// A table; columns of numbers are those whose heading begins with `#`.
pub(super) fn table(caption: &str, columns: &[&str], rows: &[Vec<String>]) -> Markup {
    let columns: Vec<(&str, bool)> = columns
        .iter()
        .map(|name| match name.strip_prefix('#') {
            Some(name) => (name, true),
            None => (*name, false),
        })
        .collect();
    let class = |is_number: bool| is_number.then_some("number");
    html! {
        div.table role="region" tabindex="0" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (name, is_number) in &columns {
                            th scope="col" class=[class(*is_number)] { (name) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (place, (cell, (_, is_number))) in row.iter().zip(&columns).enumerate() {
                                @if place == 0 { th scope="row" { (cell) } }
                                @else { td class=[class(*is_number)] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Short facts, a name and what it is.
pub(super) fn facts(facts: &[(&str, String)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// A number with so many digits after the point, and a true minus.
pub(super) fn number(value: Option<f64>, digits: usize) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => rounded(value, digits),
        None => "undefined".into(),
    }
}

/// An interval in words.
pub(super) fn interval(ends: Option<[f64; 2]>, digits: usize) -> String {
    match ends {
        Some(ends) => {
            let [low, high] = ends.map(|end| number(Some(end), digits));
            format!("{low} to {high}")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let page = Page {
            title: "<b>&".into(),
            subtitle: String::new(),
            sections: vec![Section {
                id: "one",
                title: "One",
                body: table("<i>", &["a", "#b"], &[vec!["<u>".into(), "1".into()]]),
            }],
            data: Some("{\"a\": \"</script><script>\"}".into()),
        };
        let html = page.html();
        assert!(html.contains("&lt;b&gt;&amp;") && html.contains("&lt;u&gt;"));
        assert!(!html.contains("<i>") && !html.contains("</script><script>\""));
        assert_eq!(html.matches("</script>").count(), 2);
        // The style and the script cannot end their elements.
        assert!(!STYLE.contains("</style") && !SCRIPT.contains("</script"));
    }
}
