import srsly

from scripts.documents import long_docs


def test_long_docs(model_path, corpus_path, tmp_path, monkeypatch):
    monkeypatch.setattr(long_docs, "N_TOKENS", (20, 100))
    monkeypatch.setattr(long_docs, "N_CHARS", 1000)
    output_path = tmp_path / "long-docs.json"
    long_docs.long_docs(output_path, model_path, corpus_path)
    rows = srsly.read_json(output_path)["docs"]
    assert [row["tokens"] for row in rows[:2]] == [20, 100]
    assert 900 < rows[2]["characters"] < 1100
    assert all(row["seconds"]["min"] > 0 for row in rows)
    table = output_path.with_suffix(".md").read_text(encoding="utf8")
    assert len(table.splitlines()) == 2 + len(rows)
