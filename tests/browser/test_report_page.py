"""The report as a person sees it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.report.lake_report import LakeReport, Run
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By


def rse(name: str, qos: str, verdict: str) -> dict[str, object]:
    result = "ok" if verdict == "ok" else "failed"
    checks = [
        {
            "id": "anonymous-refused",
            "title": "Anonymous access is refused",
            "expected": "401 or 403",
            "got": "GET 403, PUT 403",
            "result": "ok",
        },
        {
            "id": "read-only",
            "title": "Read token cannot write",
            "expected": "403",
            "got": "200",
            "result": result,
            "why": "the area is open",
        },
        {"id": "tape", "title": "Tape", "expected": "2xx", "got": "", "result": "not-applicable", "why": "no tape area"},
    ]
    return {"name": name, "storage": name.rpartition("-")[0], "qos": qos, "verdict": verdict, "checks": checks}


def test_report_page(browser: Chrome, tmp_path: Path) -> None:
    report = LakeReport()
    rses = [rse("LAB-FAST", "FAST", "ok"), rse("LAB-SAFE", "SAFE", "failed")]
    report.add(Run(seconds=12.5, tasks=40, changed=7, rucio_requests=30, rucio_writes=20), {str(each["name"]): each for each in rses})
    report.write(tmp_path)
    browser.get((tmp_path / "report.html").as_uri())

    assert browser.find_element(By.ID, "summary").text == "1 of 2 RSEs proven with tokens and bytes."
    assert "LAB-SAFE" in browser.find_element(By.CSS_SELECTOR, "[data-qos=SAFE]").text
    # What failed is open at once, what is well opens on a click.
    assert "the area is open" in browser.find_element(By.ID, "LAB-SAFE").text
    good = browser.find_element(By.ID, "LAB-FAST")
    assert "1 of 2 checks" not in good.text
    assert "Anonymous access" not in good.text
    good.find_element(By.TAG_NAME, "summary").click()
    assert "Anonymous access is refused" in good.text
    assert [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "#runs tbody td")][1:] == ["12.5", "40", "7", "0", "30", "20"]
    browser.save_screenshot(str(tmp_path / "report.png"))
    assert (tmp_path / "report.png").stat().st_size > 10_000
