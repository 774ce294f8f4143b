"""The comparison as a person sees it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.compare.compared import Side, compare
from ansible_collections.escape.datalake.plugins.plugin_utils.compare.render import texts, write
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By


def test_compare_page(browser: Chrome, tmp_path: Path) -> None:
    cric = {
        "LAB-FAST": {"attribute QOS": "FAST", "space": 50 * 10**12, "availability_write": True},
        "LAB-SAFE": {"attribute QOS": "SAFE", "space": 10**12},
        "LAB-NEW": {"attribute QOS": "FAST"},
    }
    rucio = {"LAB-FAST": {"attribute QOS": "SAFE", "space": 50 * 10**12}, "LAB-SAFE": {"attribute QOS": "SAFE", "space": 10**12}}
    write(
        tmp_path,
        texts(compare([Side("storage", {"LAB-FAST": {"space": 40 * 10**12}}, partial=True), Side("CRIC", cric), Side("Rucio", rucio)])),
    )
    browser.get((tmp_path / "compare.html").as_uri())

    assert browser.find_element(By.ID, "summary").text == "3 RSEs compared (storage, CRIC, Rucio): 2 differ."
    fast = browser.find_element(By.ID, "LAB-FAST")
    # What differs is open, and told in words and signs beside colours.
    assert "2 fields differ" in fast.text
    rows = {row.find_element(By.TAG_NAME, "th").text: row for row in fast.find_elements(By.CSS_SELECTOR, "tbody tr")}
    assert list(rows) == ["≠ attribute QOS", "≠ space", "· availability_write"]
    assert [cell.text for cell in rows["≠ space"].find_elements(By.TAG_NAME, "td")] == ["40TB", "50TB", "50TB"]
    assert "not in Rucio" in browser.find_element(By.ID, "LAB-NEW").text
    safe = browser.find_element(By.ID, "LAB-SAFE")
    assert "SAFE" not in safe.text.replace("LAB-SAFE", "")
    safe.find_element(By.TAG_NAME, "summary").click()
    assert "= attribute QOS" in safe.text

    browser.find_element(By.ID, "only-differences").click()
    assert not safe.is_displayed()
    assert rows["≠ space"].is_displayed()
    assert not rows["· availability_write"].is_displayed()
    browser.find_element(By.ID, "only-differences").click()
    assert safe.is_displayed()

    browser.find_element(By.ID, "name").send_keys("new")
    assert not fast.is_displayed()
    assert browser.find_element(By.ID, "LAB-NEW").is_displayed()
    browser.set_window_size(420, 900)
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overflow) <= 0
    browser.save_screenshot(str(tmp_path / "compare.png"))
    assert (tmp_path / "compare.png").stat().st_size > 5_000


def test_names_and_values_of_strangers_are_only_text(browser: Chrome, tmp_path: Path) -> None:
    script = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    name = 'X" onclick="document.title=\'taken\'" x="'
    sides = [Side("CRIC", {name: {f"attribute {script}": script}}), Side("Rucio", {name: {f"attribute {script}": "'"}})]
    comparison = compare(sides, [Problem(script, script, script)])
    write(tmp_path, texts(comparison))
    browser.get((tmp_path / "compare.html").as_uri())
    browser.find_element(By.TAG_NAME, "details").find_element(By.TAG_NAME, "summary").click()
    assert browser.title == "CRIC / Rucio"
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    assert browser.find_element(By.TAG_NAME, "details").get_attribute("id") == name
    assert script in browser.find_element(By.ID, "notes").text
