"""The survey as a person sees it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey, as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.report.survey_page import render_page
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By


def test_survey_page(browser: Chrome, tmp_path: Path) -> None:
    offers = (
        Offer("lake:nvme@osm", "storage class", "poolmanager.conf:1", media="nvme", copies=1, capacity=50 * 10**12, pools=("n1", "n2")),
        Offer(
            "lake:tape@osm", "storage class", "poolmanager.conf:2", tape=True, staging=True, pools=("t1",), notes=("Its <tape> is slow.",)
        ),
    )
    surveys = [
        as_dict(
            Survey("dcache", "9.2.30", "dcache.example.org", offers, ("davs://dcache.example.org:2880",), ("https://iam.example.org/",))
        ),
        as_dict(Survey("xrootd", "5.5.3", "se.example.org", (Offer("scratch", "space", volatile=True, paths=("/lake/scratch",)),))),
    ]
    (tmp_path / "survey.html").write_text(render_page(surveys), encoding="utf-8")
    browser.get((tmp_path / "survey.html").as_uri())

    assert browser.find_element(By.ID, "summary").text.startswith("3 places to keep data on 2 hosts")
    safe = browser.find_element(By.CSS_SELECTOR, "[data-qos=SAFE]").text
    assert "✔ dcache.example.org lake:tape@osm" in safe
    assert "? dcache.example.org lake:nvme@osm" in safe
    assert "scratch" not in safe
    host = browser.find_element(By.ID, "dcache.example.org")
    assert "Its <tape> is slow." in host.text
    assert "size: 50TB in 2 pools" in host.text
    assert "n1, n2" not in host.text  # the pools of a large site are many: they show on a click
    host.find_element(By.TAG_NAME, "summary").click()
    assert "n1, n2" in host.text
    browser.save_screenshot(str(tmp_path / "survey.png"))
    assert (tmp_path / "survey.png").stat().st_size > 10_000
