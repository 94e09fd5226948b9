from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.test import override_settings

from orders.couriers import parcel_status


class Courier(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "on its way"}')

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test run quiet."""


@pytest.fixture
def courier() -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Courier)
    thread = Thread(target=server.serve_forever)
    thread.start()
    with override_settings(COURIER_URL=f"http://127.0.0.1:{server.server_port}"):
        yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_courier_tells_where_a_parcel_is(courier: None) -> None:
    assert parcel_status("HB-1") == "on its way"
