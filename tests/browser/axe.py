"""Accessibility: what axe-core finds on a page. Source: web-ui.md section 5.1."""

from pathlib import Path

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
#: WCAG 2.2 at levels A and AA, and what axe-core's authors recommend besides.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    """Return what is wrong, each with its place; the page may not run scripts of ours otherwise."""
    page.evaluate(AXE.read_text(encoding="utf-8") + ";undefined")
    return page.evaluate(
        """async (tags) => {
          const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
          return (await axe.run(document, options)).violations.flatMap(({ id, nodes }) =>
            nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`));
        }""",
        TAGS,
    )
