"""What the page's handlers do, where it takes no browser to see it."""

import os
import time

import pytest

gradio = pytest.importorskip("gradio")


def test_an_upload_that_was_deleted_is_said_in_the_visitors_language(tmp_path):
    from mini_xception.demo.photo import take_upload

    gone = {"path": str(tmp_path / "gone.jpg"), "orig_name": "me.jpg"}
    for language, reason in ((0, "deleted after a minute"), (1, "一分钟后即删除")):
        with pytest.raises(gradio.Error, match=reason):
            take_upload(gone, language)


def test_an_upload_in_use_is_kept(tmp_path):
    from mini_xception.demo.photo import take_upload

    path = tmp_path / "me.jpg"
    path.write_bytes(b"a photo")
    os.utime(path, (0, 0))
    assert take_upload({"path": str(path)}, 0) == str(path)
    assert path.stat().st_mtime > time.time() - 60
