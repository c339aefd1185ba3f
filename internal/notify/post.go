package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// poster returns what sends events. It follows no redirect, which would hand what an event
// tells to somebody else, goes by no proxy that the environment names, and keeps
// no connection for the next one.
func poster() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, TLSHandshakeTimeout: tellTime},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends the event. Nothing of an answer but its status is read. An error
// names the host only: what follows it in an address is often a password.
func post(ctx context.Context, address string, event []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(event))
	if err != nil {
		return errors.New("the address of a notification can't be read")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "vpnd")
	answer, err := poster().Do(request)
	var named *url.Error
	if errors.As(err, &named) { // it names the whole address
		err = named.Err
	}
	if err != nil {
		return fmt.Errorf("telling %s: %w", request.URL.Host, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %q", request.URL.Host, answer.Status)
	}
	return nil
}
