package httpclient

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// pause is the wait before a try: what the server asks for by Retry-After,
// else a doubling time with jitter, so that many pipelines that failed
// together do not come back together; never longer than longest.
func pause(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	if response != nil {
		if asked := retryAfter(response.Header); asked > 0 {
			return min(asked, longest)
		}
	}
	wait := min(shortest<<min(attempt, 20), longest)
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter is no secret
}

// retryAfter reads the header as RFC 9110 has it: seconds or a date.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date).Round(time.Second))
	}
	return 0
}
