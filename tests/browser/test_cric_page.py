"""The CRIC stand-in's page as a person sees it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient, Writer
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.tests.standins import ROOT, free_port, make_ca, running, write_config
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

TOKEN = "writer-of-the-tests"
FIXTURES = ROOT / "tests/fixtures/cric"


def test_every_rse_is_a_row(browser: Chrome, tmp_path: Path) -> None:
    make_ca(tmp_path)
    config = write_config(tmp_path / "cric.yml", f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: {TOKEN}}}\n")
    with running("cric", config, tmp_path, free_port()) as cric:
        browser.get(cric.url)
        assert "Nothing is registered yet." in browser.find_element(By.ID, "rses").text

        samples = CricClient(str(FIXTURES)).rse_views()[1]["rses"]
        fields = {name: {key: value for key, value in each.items() if key not in ("id", "updated_at")} for name, each in samples.items()}
        client = CricClient(cric.url, tls=Tls(ca=cric.ca), writer=Writer("api/doma/rse/update/set_data/?json", TOKEN))
        assert client.write({**fields, "MARKUP": {"site": "<b>x</b>"}}) == {}
        browser.refresh()

        rows = [
            [cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in browser.find_elements(By.CSS_SELECTOR, "#rses tbody tr")
        ]
        assert [row[:4] for row in rows] == [
            ["CNAF-STORM", "INFN-T1", "SAFE", "ACTIVE"],
            ["LAPP-WEBDAV", "LAPP", "", "RSE DISABLED"],
            ["MARKUP", "<b>x</b>", "", "ACTIVE"],
            ["PIC-DCACHE", "pic", "FAST", "ACTIVE"],
        ]
        assert rows[0][4:6] == ["davs://xfer.cr.cnaf.infn.it:8443/escape/rucio/cnaf_storm", "10 TB"]
        assert rows[3][4].splitlines()[1].startswith("root://xrootd.pic.es:1094//pnfs")
        assert rows[1][5] == "unknown"
        assert all(row[6] for row in rows)
        browser.save_screenshot(str(tmp_path / "cric.png"))
