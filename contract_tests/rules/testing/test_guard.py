"""A test with the mock never reaches the real service unnoticed; other tests are not touched."""

import pytest

pytest_plugins = ["pytester"]

ESCAPES = """
    import socket, urllib.request

    def test_escape(labelbox_mock):
        try:
            urllib.request.urlopen("https://api.labelbox.com/graphql")
        except OSError:
            pass

    def test_no_escape(labelbox_mock):
        urllib.request.urlopen(labelbox_mock.url + "/_mock/health").close()

    def test_without_the_mock():
        assert socket.getaddrinfo.__module__ == "socket"
"""


def test_a_test_that_tries_to_reach_the_real_host_fails_even_if_it_hides_the_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ESCAPES)
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*a test that uses the mock tried to reach api.labelbox.com: give the client*"])


def test_the_error_that_the_client_gets_says_so_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket
        def test_escape(labelbox_mock):
            socket.create_connection(("app.labelbox.com", 443))
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *socket.gaierror*tried to reach app.labelbox.com*"])


def test_a_fixture_that_tries_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import contextlib, socket, pytest
        @pytest.fixture
        def client(labelbox_mock):
            with contextlib.suppress(OSError):
                socket.getaddrinfo(b"api.labelbox.com", 443)
        def test_escape(client): ...
    """)
    pytester.runpytest_subprocess().assert_outcomes(errors=1)


def test_the_real_hosts_can_be_allowed(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nlabelbox_real_hosts = allow\n")
    pytester.makepyfile("""
        import socket
        def test_it(labelbox_mock):
            assert socket.getaddrinfo.__module__ == "socket"
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_word_that_is_not_known_ends_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(labelbox_mock): ...")
    result = pytester.runpytest_subprocess("--labelbox-real-hosts", "alow")
    result.stderr.fnmatch_lines(["*--labelbox-real-hosts (or labelbox_real_hosts) is 'alow'; expected allow*"])
