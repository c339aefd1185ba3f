package functions

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func numberParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.Number}
}

// cidrFunc makes a function whose first argument is a network.
func cidrFunc(result cty.Type, rest []function.Parameter, more *function.Parameter, f func(network netip.Prefix, args []cty.Value) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params:   append([]function.Parameter{textParam("network")}, rest...),
		VarParam: more,
		Type:     function.StaticReturnType(result),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := netip.ParsePrefix(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "%q is no network; write it as CIDR, as in 10.8.0.0/24", args[0].AsString())
			}
			return f(network.Masked(), args[1:])
		},
	})
}

// cidrHostFunc is the address with that number in a network; a negative number
// counts from the end.
var cidrHostFunc = cidrFunc(cty.String, []function.Parameter{numberParam("number")}, nil, func(network netip.Prefix, args []cty.Value) (cty.Value, error) {
	n, exact := args[0].AsBigFloat().Int64()
	size := new(big.Int).Lsh(big.NewInt(1), uint(network.Addr().BitLen()-network.Bits()))
	number := big.NewInt(n)
	if n < 0 {
		number.Add(number, size)
	}
	if exact != big.Exact || number.Sign() < 0 || number.Cmp(size) >= 0 {
		return cty.NilVal, function.NewArgErrorf(1, "%s has no address with that number", network)
	}
	return cty.StringVal(offset(network.Addr(), number).String()), nil
})

// cidrNetmaskFunc is the mask of an IPv4 network in dotted form.
var cidrNetmaskFunc = cidrFunc(cty.String, nil, nil, func(network netip.Prefix, _ []cty.Value) (cty.Value, error) {
	if !network.Addr().Is4() {
		return cty.NilVal, function.NewArgErrorf(0, "only IPv4 has netmasks")
	}
	mask := ^uint32(0)
	mask <<= 32 - network.Bits()
	return cty.StringVal(netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).String()), nil
})

// cidrSubnetFunc is the subnet with that number of those whose prefix is so
// many bits longer.
var cidrSubnetFunc = cidrFunc(cty.String, []function.Parameter{numberParam("bits"), numberParam("number")}, nil, func(network netip.Prefix, args []cty.Value) (cty.Value, error) {
	length, err := longer(network, args[0])
	if err != nil {
		return cty.NilVal, function.NewArgError(1, err)
	}
	n, exact := args[1].AsBigFloat().Int64()
	number := big.NewInt(n)
	if exact != big.Exact || n < 0 || number.BitLen() > length-network.Bits() {
		return cty.NilVal, function.NewArgErrorf(2, "%s has no subnet with that number and a prefix of %d bits", network, length)
	}
	start := offset(network.Addr(), number.Lsh(number, uint(network.Addr().BitLen()-length)))
	return cty.StringVal(netip.PrefixFrom(start, length).String()), nil
})

// cidrSubnetsFunc lays subnets side by side, each with a prefix so many bits
// longer.
var cidrSubnetsFunc = cidrFunc(cty.List(cty.String), nil, &function.Parameter{Name: "bits", Type: cty.Number}, func(network netip.Prefix, args []cty.Value) (cty.Value, error) {
	next, width := new(big.Int), uint(network.Addr().BitLen())
	size := new(big.Int).Lsh(big.NewInt(1), width-uint(network.Bits()))
	subnets := make([]cty.Value, 0, len(args))
	for i, arg := range args {
		length, err := longer(network, arg)
		if err != nil {
			return cty.NilVal, function.NewArgError(i+1, err)
		}
		step := new(big.Int).Lsh(big.NewInt(1), width-uint(length))
		if rest := new(big.Int).Mod(next, step); rest.Sign() > 0 {
			next.Add(next, new(big.Int).Sub(step, rest))
		}
		if new(big.Int).Add(next, step).Cmp(size) > 0 {
			return cty.NilVal, function.NewArgErrorf(i+1, "there is no room left in %s for a subnet with a prefix of %d bits", network, length)
		}
		subnets = append(subnets, cty.StringVal(netip.PrefixFrom(offset(network.Addr(), next), length).String()))
		next.Add(next, step)
	}
	if len(subnets) == 0 {
		return cty.ListValEmpty(cty.String), nil
	}
	return cty.ListVal(subnets), nil
})

// longer returns the length of a prefix that is so many bits longer.
func longer(network netip.Prefix, bits cty.Value) (int, error) {
	n, exact := bits.AsBigFloat().Int64()
	if exact != big.Exact || n < 0 || n > int64(network.Addr().BitLen()-network.Bits()) {
		return 0, fmt.Errorf("the prefix of %s can be longer by 0 to %d bits", network, network.Addr().BitLen()-network.Bits())
	}
	return network.Bits() + int(n), nil
}

// offset adds a number to an address.
func offset(start netip.Addr, number *big.Int) netip.Addr {
	sum := new(big.Int).SetBytes(start.AsSlice())
	sum.Add(sum, number)
	addr, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, start.BitLen()/8)))
	return addr
}
